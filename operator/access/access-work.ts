import { Controller, type ControllerOptions } from '../controller.ts';
import { AccessCaches } from './access-caches.ts';
import { AccessController, type AccessControllerOptions } from './access-controller.ts';

/** The controller of AccessKeys and AccessPolicies, with the caches that must be whole before it starts. */
export interface AccessWork {
  readonly caches: AccessCaches;
  /** Its keys are namespaces: what one object changes may concern all others. */
  readonly controller: Controller;
}

export interface AccessWorkOptions
  extends Omit<AccessControllerOptions, 'caches'>,
    Pick<ControllerOptions, 'mayAct'> {
  readonly namespaces: readonly string[];
}

/** Fills its caches, and has a look at each namespace to begin with; the controller is to be started. */
export function accessWork({ namespaces, mayAct, ...options }: AccessWorkOptions): AccessWork {
  const { client, log } = options;
  const onChange = (namespace: string) => controller.add(namespace);
  const caches = AccessCaches.start({ client, log, namespaces, onChange });
  const access = new AccessController({ ...options, caches });
  const controller = new Controller({
    name: 'access',
    reconcile: (namespace, signal) => access.reconcile(namespace, signal),
    exists: () => true,
    ...{ mayAct, log },
  });
  for (const namespace of namespaces) controller.add(namespace);
  return { caches, controller };
}

import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  CHART,
  type Fields,
  findHelm,
  HELM_MS_MAX,
  helmOutput,
  type Manifest,
  type Rendering,
  render,
} from './rendered-chart.ts';

let helm: string;
beforeAll(async () => {
  helm = await findHelm();
}, HELM_MS_MAX);

const ALL_SWITCHES: Fields = {
  metrics: {
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    rules: { enabled: true },
    dashboards: { enabled: true },
  },
  networkPolicy: {
    metricsNamespaces: ['monitoring'],
    clients: [{ podSelector: {} }],
    daxClients: [{ podSelector: {} }],
  },
};
const NO_SWITCHES: Fields = {
  crds: { enabled: false },
  podDisruptionBudget: { enabled: false },
  networkPolicy: { enabled: false },
  admissionPolicies: { enabled: false },
  aggregateRoles: { enabled: false },
  smokeTest: { enabled: false },
};
const prometheus: Rendering = { apiVersions: ['monitoring.coreos.com/v1'] };

/** Values that each touch other parts of the templates. */
const MATRIX: readonly (readonly [string, Fields, Rendering])[] = [
  ['the defaults', {}, {}],
  ['everything on', ALL_SWITCHES, prometheus],
  ['everything off', NO_SWITCHES, {}],
  ['two namespaces', { watchNamespaces: ['shop', 'bank'], ...ALL_SWITCHES }, prometheus],
  ['one replica', { operator: { replicas: 1 }, router: { replicas: 1 } }, {}],
  [
    'a port of the nodes',
    { router: { service: { type: 'NodePort', nodePorts: { http: 30800, https: 30843 } } } },
    {},
  ],
  [
    'scheduling',
    {
      imagePullSecrets: [{ name: 'registry' }],
      operator: {
        nodeSelector: { pool: 'system' },
        tolerations: [{ key: 'system', operator: 'Exists' }],
        priorityClassName: 'high',
        affinity: { nodeAffinity: {} },
        podLabels: { team: 'data' },
        podAnnotations: { note: 'one' },
      },
      router: {
        nodeSelector: { pool: 'web' },
        tolerations: [{ operator: 'Exists' }],
        priorityClassName: 'high',
        affinity: { podAffinity: {} },
        podLabels: { team: 'data' },
        podAnnotations: { note: 'two' },
        service: { annotations: { 'example.org/internal': 'true' } },
      },
    },
    {},
  ],
];

function fieldsOf(value: unknown): Fields {
  return Object(value);
}

/** The pods that a manifest asks for. */
function podsOf(manifests: readonly Manifest[]): { name: string; labels: Fields; spec: Fields }[] {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    if (kind === 'Pod') {
      return [{ name: metadata.name, labels: fieldsOf(metadata.labels), spec: fieldsOf(spec) }];
    }
    if (kind !== 'Deployment') return [];
    const template = fieldsOf(fieldsOf(spec).template);
    const { labels } = fieldsOf(template.metadata);
    return [{ name: metadata.name, labels: fieldsOf(labels), spec: fieldsOf(template.spec) }];
  });
}

function idOf({ kind, metadata: { name, namespace } }: Manifest): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

function find(manifests: readonly Manifest[], id: string): Manifest {
  const found = manifests.find((manifest) => idOf(manifest) === id);
  if (found === undefined) throw new Error(`${id} is not rendered`);
  return found;
}

const RESTRICTED_POD = {
  runAsNonRoot: true,
  runAsUser: 65532,
  runAsGroup: 65532,
  fsGroup: 65532,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};
const RESTRICTED_CONTAINER = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

describe.each(MATRIX)('with %s', (_name, values, rendering) => {
  let manifests: readonly Manifest[];
  beforeAll(async () => {
    manifests = await render(helm, values, rendering);
  });

  it('every pod keeps to Pod Security "restricted"', () => {
    const pods = podsOf(manifests);
    expect(pods.length).toBeGreaterThan(0);
    for (const { spec } of pods) {
      expect(spec.securityContext).toEqual(RESTRICTED_POD);
      expect(spec).not.toHaveProperty('hostNetwork');
      for (const container of [spec.containers].flat()) {
        expect(fieldsOf(container).securityContext).toEqual(RESTRICTED_CONTAINER);
        expect(fieldsOf(container).resources).toHaveProperty('limits.memory');
      }
      for (const volume of [spec.volumes].flat()) expect(volume).not.toHaveProperty('hostPath');
    }
  });

  it('no two objects have the same name, and each carries the common labels', () => {
    const ids = manifests.map(idOf);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { kind, metadata } of manifests) {
      if (kind === 'CustomResourceDefinition') continue;
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/name': 'trestle',
        'app.kubernetes.io/instance': 'trestle',
        'app.kubernetes.io/managed-by': 'Helm',
        'helm.sh/chart': 'trestle-0.1.0',
      });
    }
  });

  it('selectors of budgets, policies and services meet the pods of one component', () => {
    const pods = podsOf(manifests);
    for (const { kind, metadata, spec } of manifests) {
      // Their pods are made by the operator.
      if (['trestle-storage', 'trestle-dax-metrics'].includes(metadata.name)) continue;
      const { selector, podSelector } = fieldsOf(spec);
      const wanted =
        kind === 'Service'
          ? selector
          : ['PodDisruptionBudget', 'NetworkPolicy', 'Deployment'].includes(kind)
            ? fieldsOf(selector ?? podSelector).matchLabels
            : undefined;
      if (wanted === undefined) continue;
      const met = pods.filter(({ labels }) =>
        Object.entries(Object(wanted)).every(([name, value]) => labels[name] === value),
      );
      const component = metadata.labels?.['app.kubernetes.io/component'];
      expect(new Set(met.map(({ labels }) => labels['app.kubernetes.io/component']))).toEqual(
        new Set([component]),
      );
    }
  });
});

describe('objects', () => {
  it('are these by default', async () => {
    const manifests = await render(helm);
    expect(manifests.map(idOf).sort()).toEqual([
      'ClusterRole trestle.tables.trestle.edit',
      'ClusterRole trestle.tables.trestle.operator',
      'ClusterRole trestle.tables.trestle.view',
      'ClusterRoleBinding trestle.tables.trestle.operator',
      'CustomResourceDefinition accesskeys.trestle.dev',
      'CustomResourceDefinition accesspolicies.trestle.dev',
      'CustomResourceDefinition daxclusters.trestle.dev',
      'CustomResourceDefinition tables.trestle.dev',
      'Deployment tables/trestle-operator',
      'Deployment tables/trestle-router',
      'NetworkPolicy tables/trestle-operator',
      'NetworkPolicy tables/trestle-router',
      'Pod tables/trestle-smoke-test',
      'PodDisruptionBudget tables/trestle-operator',
      'PodDisruptionBudget tables/trestle-router',
      'Role tables/trestle-operator',
      'Role tables/trestle-operator-lease',
      'Role tables/trestle-router',
      'RoleBinding tables/trestle-operator',
      'RoleBinding tables/trestle-operator-lease',
      'RoleBinding tables/trestle-router',
      'Service tables/trestle',
      'Service tables/trestle-storage',
      'ServiceAccount tables/trestle-operator',
      'ServiceAccount tables/trestle-router',
      'ValidatingAdmissionPolicy trestle.tables.trestle.crd-deletion-protection',
      'ValidatingAdmissionPolicy trestle.tables.trestle.table-deletion-protection',
      'ValidatingAdmissionPolicyBinding trestle.tables.trestle.crd-deletion-protection',
      'ValidatingAdmissionPolicyBinding trestle.tables.trestle.table-deletion-protection',
    ]);
  });

  it('of two releases are apart', async () => {
    const both = await Promise.all([
      render(helm, {}, { release: 'b', namespace: 'a' }),
      render(helm, { crds: { enabled: false } }, { release: 'a', namespace: 'b' }),
      render(helm, { crds: { enabled: false } }, { release: 'a.b', namespace: 'c' }),
    ]);
    const ids = both.flat().map(idOf);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('stand in each served namespace, and the operator in the release alone', async () => {
    const manifests = await render(helm, { watchNamespaces: ['shop', 'bank'] });
    const namespacesOf = (kind: string, name: string) =>
      manifests
        .filter((each) => each.kind === kind && each.metadata.name === name)
        .map(({ metadata }) => metadata.namespace);
    expect(namespacesOf('Deployment', 'trestle-operator')).toEqual(['tables']);
    expect(namespacesOf('Role', 'trestle-operator').sort()).toEqual(['bank', 'shop']);
    expect(namespacesOf('Role', 'trestle-operator-lease')).toEqual(['tables']);
    expect(namespacesOf('Deployment', 'trestle-router').sort()).toEqual(['bank', 'shop']);
    expect(namespacesOf('Service', 'trestle').sort()).toEqual(['bank', 'shop']);
    expect(find(manifests, 'RoleBinding shop/trestle-operator').subjects).toEqual([
      { kind: 'ServiceAccount', name: 'trestle-operator', namespace: 'tables' },
    ]);
  });

  it('have no budget where there is one replica', async () => {
    const manifests = await render(helm, { operator: { replicas: 1 }, router: { replicas: 1 } });
    expect(manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([]);
  });

  it('for Prometheus are there only when switched on and known to the cluster', async () => {
    const monitoring = (manifests: readonly Manifest[]) =>
      manifests
        .filter(({ apiVersion }) => apiVersion.startsWith('monitoring'))
        .map(({ kind }) => kind)
        .sort();
    expect(monitoring(await render(helm, {}, prometheus))).toEqual([]);
    expect(monitoring(await render(helm, ALL_SWITCHES))).toEqual([]);
    const manifests = await render(helm, ALL_SWITCHES, prometheus);
    expect(monitoring(manifests)).toEqual(['PrometheusRule', 'ServiceMonitor']);
    const rules = parse(await readFile(`${CHART}/alerts/trestle.yaml`, 'utf8'));
    expect(find(manifests, 'PrometheusRule tables/trestle').spec).toEqual(rules);
    const { data } = find(manifests, 'ConfigMap tables/trestle-dashboard');
    const dashboard = await readFile(`${CHART}/dashboards/trestle.json`, 'utf8');
    expect(JSON.parse(String(fieldsOf(data)['trestle.json']))).toEqual(JSON.parse(dashboard));
  });
});

describe('permissions', () => {
  it('are exactly these', async () => {
    const manifests = await render(helm);
    const rulesOf = (id: string) =>
      [find(manifests, id).rules].flat().map((rule) => {
        const { apiGroups, resources, verbs, resourceNames, ...rest } = fieldsOf(rule);
        expect(rest).toEqual({});
        const names = resourceNames === undefined ? '' : ` ${resourceNames}`;
        return `${apiGroups}: ${resources}${names}: ${[verbs].flat().join(' ')}`;
      });
    expect(rulesOf('ClusterRole trestle.tables.trestle.operator')).toEqual([
      ': nodes: list watch',
      'storage.k8s.io: storageclasses: list watch',
    ]);
    expect(rulesOf('Role tables/trestle-operator-lease')).toEqual([
      'coordination.k8s.io: leases: create',
      'coordination.k8s.io: leases trestle-operator: get update',
    ]);
    expect(rulesOf('Role tables/trestle-operator')).toEqual([
      'trestle.dev: tables: list watch create patch',
      'trestle.dev: daxclusters,accesskeys,accesspolicies: list watch',
      'trestle.dev: tables/status,daxclusters/status,accesskeys/status,accesspolicies/status: patch',
      'trestle.dev: tables/finalizers,daxclusters/finalizers,accesskeys/finalizers: update',
      ': pods: list watch delete',
      ': configmaps: list watch create patch',
      ': services: get list watch create patch delete',
      ': persistentvolumeclaims: list watch patch delete',
      ': secrets: get create patch',
      'apps: statefulsets: list watch create patch delete',
      'policy: poddisruptionbudgets: list watch create patch',
      'networking.k8s.io: networkpolicies: list watch create patch delete',
      'events.k8s.io: events: create patch',
    ]);
    expect(rulesOf('Role tables/trestle-router')).toEqual([
      'trestle.dev: tables: get list watch create patch delete',
    ]);
    expect(rulesOf('ClusterRole trestle.tables.trestle.view')).toEqual([
      'trestle.dev: tables,daxclusters,accesskeys,accesspolicies: get list watch',
      'trestle.dev: tables/status,daxclusters/status,daxclusters/scale,accesskeys/status,accesspolicies/status: get',
    ]);
    expect(rulesOf('ClusterRole trestle.tables.trestle.edit')).toEqual([
      'trestle.dev: tables,daxclusters,accesskeys,accesspolicies: create update patch delete deletecollection',
      'trestle.dev: daxclusters/scale: update patch',
    ]);
  });

  it('of callers reach routers as files: who has which key, and what that is good for', async () => {
    const [router] = podsOf(
      (await render(helm)).filter(({ metadata }) => metadata.name === 'trestle-router'),
    );
    const volume = [router?.spec.volumes]
      .flat()
      .map(fieldsOf)
      .find(({ name }) => name === 'credentials');
    // Neither is optional: without the one nobody could call, without the other everybody could do everything.
    expect(volume?.secret).toEqual({
      secretName: 'trestle-credentials',
      defaultMode: 0o440,
      items: [
        { key: 'credentials', path: 'credentials' },
        { key: 'policies', path: 'policies' },
      ],
    });
    const args = [fieldsOf([router?.spec.containers].flat()[0]).args].flat();
    expect(args).toContain('--credentials=/etc/trestle/credentials/credentials');
    expect(args).toContain('--policies=/etc/trestle/credentials/policies');
  });

  it('beyond namespaces are bound for the nodes and storage classes only', async () => {
    const manifests = await render(helm, { watchNamespaces: ['shop', 'bank'] });
    const bindings = manifests.filter(({ kind }) => kind === 'ClusterRoleBinding');
    expect(bindings.map(({ roleRef }) => fieldsOf(roleRef).name)).toEqual([
      'trestle.tables.trestle.operator',
    ]);
  });

  it('of the API are not in the reach of the smoke test', async () => {
    const [pod] = podsOf((await render(helm)).filter(({ kind }) => kind === 'Pod'));
    expect(pod?.spec.automountServiceAccountToken).toBe(false);
  });
});

describe('images', () => {
  const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

  async function containerOf(values: Fields): Promise<Fields> {
    const manifests = await render(helm, values);
    const operator = podsOf(manifests).find(({ name }) => name === 'trestle-operator');
    return fieldsOf([operator?.spec.containers].flat()[0]);
  }

  function optionIn({ args }: Fields, name: string): string | undefined {
    const option = [args]
      .flat()
      .map(String)
      .find((arg) => arg.startsWith(`--${name}=`));
    return option?.replace(`--${name}=`, '');
  }

  async function images(values: Fields): Promise<{ own: unknown; data: unknown }> {
    const container = await containerOf(values);
    return { own: container.image, data: optionIn(container, 'data-image') };
  }

  it('are of the version of the chart by default', async () => {
    const image = 'localhost/trestle:0.1.0';
    expect(await images({})).toEqual({ own: image, data: image });
  });

  it('may be named by digest, which wins', async () => {
    const image = `localhost/trestle@${digest}`;
    expect(await images({ image: { tag: '2', digest } })).toEqual({ own: image, data: image });
  });

  it('of nodes of DaxClusters may be of another version than all others', async () => {
    const container = await containerOf({ dax: { image: { tag: '2' } } });
    expect(optionIn(container, 'dax-image')).toBe('localhost/trestle:2');
    expect(optionIn(container, 'data-image')).toBe('localhost/trestle:0.1.0');
    const own = await containerOf({ dataplane: { image: { tag: '3' } } });
    expect(optionIn(own, 'dax-image')).toBe('localhost/trestle:0.1.0');
  });

  it('of Redis is that of Valkey, another one, or none', async () => {
    const redisOf = async (image: Fields) =>
      optionIn(await containerOf({ dax: { redis: { image } } }), 'redis-image');
    expect(await redisOf({})).toBe('docker.io/valkey/valkey:8.1');
    expect(await redisOf({ repository: 'redis', tag: '8' })).toBe('redis:8');
    expect(await redisOf({ digest })).toBe(`docker.io/valkey/valkey@${digest}`);
    expect(await redisOf({ repository: '' })).toBeUndefined();
  });

  it('of storage pods may be of another version', async () => {
    expect(await images({ image: { digest }, dataplane: { image: { tag: '2' } } })).toEqual({
      own: `localhost/trestle@${digest}`,
      data: 'localhost/trestle:2',
    });
    expect(
      await images({ image: { tag: '3' }, dataplane: { image: { repository: 'a/b' } } }),
    ).toEqual({ own: 'localhost/trestle:3', data: 'a/b:3' });
  });
});

describe('definitions', () => {
  const annotations = async (values: Fields) => {
    const { metadata } = find(
      await render(helm, values),
      'CustomResourceDefinition tables.trestle.dev',
    );
    return metadata.annotations;
  };

  it('are kept on uninstall', async () => {
    expect(await annotations({})).toMatchObject({ 'helm.sh/resource-policy': 'keep' });
  });

  it('may be deleted only where they are not to be kept', async () => {
    expect(await annotations({})).not.toHaveProperty(['trestle.dev/allow-crd-deletion']);
    expect(await annotations({ crds: { keep: false } })).toMatchObject({
      'trestle.dev/allow-crd-deletion': 'tables/trestle',
    });
  });
});

describe('values', () => {
  it.each([
    [{ foo: 1 }, /foo/],
    [{ image: { tags: 'x' } }, /tags/],
    [{ operator: { replicas: 0 } }, /replicas/],
    [{ operator: { loglevel: 'info' } }, /loglevel/],
    [{ operator: { logLevel: 'loud' } }, /logLevel/],
    [{ router: { service: { type: 'Other' } } }, /type/],
    [{ router: { service: { nodePorts: { http: 70_000 } } } }, /http/],
    [{ router: { resources: { limits: { memory: '1Gb' } } } }, /memory/],
    [{ region: 'EU' }, /region/],
    [{ image: { digest: 'sha256:12' } }, /digest/],
    [{ image: { pullPolicy: 'Sometimes' } }, /pullPolicy/],
    [{ watchNamespaces: ['a', 'a'] }, /watchNamespaces/],
    [{ watchNamespaces: ['A'] }, /watchNamespaces/],
    [{ dataplane: { upgradePolicy: 'Never' } }, /upgradePolicy/],
    [{ dax: { image: { pullPolicy: 'Always' } } }, /pullPolicy/],
    [
      { dax: { redis: { image: { tag: '' } } } },
      /dax.redis.image: with a repository, a tag or a digest is needed/,
    ],
    [{ clusterDomain: 'Cluster.local' }, /clusterDomain/],
    [{ networkPolicy: { apiServerPorts: [] } }, /apiServerPorts/],
    [{ metrics: { serviceMonitor: { interval: 'often' } } }, /interval/],
    [{ smokeTest: { timeoutSeconds: 'long' } }, /timeoutSeconds/],
    [
      { watchNamespaces: ['a', 'b'], router: { service: { nodePorts: { http: 30_000 } } } },
      /nodePorts: a port of the nodes leads to one namespace only/,
    ],
  ])('%j is refused by name', async (values, message) => {
    await expect(render(helm, values)).rejects.toThrow(message);
  });

  it('of charts around this one are let through', async () => {
    await expect(render(helm, { global: { anything: 1 } })).resolves.not.toEqual([]);
  });

  it('are all in values.yaml', async () => {
    const schema = JSON.parse(await readFile(`${CHART}/values.schema.json`, 'utf8'));
    const values = parse(await readFile(`${CHART}/values.yaml`, 'utf8'));
    expect(missing(schema, schema, values, '')).toEqual([]);
  });

  it('pass helm lint --strict', async () => {
    await expect(helmOutput(helm, ['lint', '--strict', CHART])).resolves.toContain(
      '0 chart(s) failed',
    );
  });
});

/** Names that the schema has and the defaults lack; maps with names of the user's have none. */
function missing(schema: Fields, root: Fields, value: unknown, path: string): string[] {
  const { $ref, properties } = schema;
  const named = typeof $ref === 'string' ? $ref.replace('#/definitions/', '') : undefined;
  const properly = named === undefined ? properties : undefined;
  const target =
    named === undefined ? properly : fieldsOf(fieldsOf(root.definitions)[named]).properties;
  if (target === undefined) return [];
  return Object.entries(Object(target)).flatMap(([name, inner]) => {
    const below = `${path}${name}`;
    if (!Object.hasOwn(fieldsOf(value), name)) return [below];
    return missing(fieldsOf(inner), root, fieldsOf(value)[name], `${below}.`);
  });
}

describe('the NOTES', () => {
  it('name the namespace, the Secret and the endpoint', async () => {
    const notes = await readFile(`${CHART}/templates/NOTES.txt`, 'utf8');
    for (const text of ['trestle-credentials', 'port-forward service/trestle', 'helm uninstall']) {
      expect(notes).toContain(text);
    }
  });
});

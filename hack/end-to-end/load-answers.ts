import type { LoadAnswer, LoadCommand, LoadSettings } from './load-messages.ts';

/** A load under way, as the scenarios' commands steer it. */
export interface SteeredLoad {
  begin(): void;
  end(): LoadAnswer;
  /** Resolves when nothing is under way. */
  pause(): Promise<void>;
  resume(): void;
  verify(): Promise<LoadAnswer>;
}

/** Answers the scenarios' commands, one after the other in the order they came, as long as they are there. */
export function serveLoad(start: (settings: LoadSettings) => SteeredLoad): void {
  let load: SteeredLoad | undefined;
  const answer = async (command: LoadCommand): Promise<LoadAnswer> => {
    if (command.kind === 'start') load = start(command.settings);
    if (load === undefined) return { kind: 'failed', message: 'the load was not started' };
    switch (command.kind) {
      case 'end':
        return load.end();
      case 'verify':
        return load.verify();
      case 'begin':
        load.begin();
        break;
      case 'pause':
        await load.pause();
        break;
      case 'resume':
        load.resume();
        break;
    }
    return { kind: 'done' };
  };
  let before: Promise<void> = Promise.resolve();
  process.on('message', (command: LoadCommand) => {
    before = before.then(async () => {
      const reply = await answer(command).catch(
        (error: unknown): LoadAnswer => ({ kind: 'failed', message: String(error) }),
      );
      process.send?.(reply);
    });
  });
  process.on('disconnect', () => process.exit(0));
}

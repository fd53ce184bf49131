import type { LoadAnswer, LoadCommand } from './load-messages.ts';

/** Answers the scenarios' commands, one after the other in the order they came, as long as they are there. */
export function answerCommands(answer: (command: LoadCommand) => Promise<LoadAnswer>): void {
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

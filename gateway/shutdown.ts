/** The end of a server process: on SIGINT and SIGTERM it closes what runs and exits, with 1 if that fails. */
import type { Logger } from 'pino';

/** Closes `running` when the process is told to stop. */
export function closeWhenTold(running: { close(): Promise<void> }, log: Logger): void {
  const stop = (): void => {
    running.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

import { type Logger, pino } from 'pino';
import type { LogLevel } from './option-values.ts';

/**
 * The log of a process: JSON lines on standard error. They are rare and must be out before a crash
 * ends the process, so they are written at once.
 */
export function processLog(level: LogLevel, base: object | null = null): Logger {
  return pino({ level, base }, pino.destination({ fd: 2, sync: true }));
}

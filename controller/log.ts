import winston from 'winston';
import { LOG_LEVELS, type LogLevel } from './settings.ts';

/** Structured log lines on stderr. Fields are safe values of our own; errors go in as their text. */
export type Logger = Pick<winston.Logger, 'error' | 'warn' | 'info' | 'debug'>;

/** JSON lines on standard error, from this level up. */
export function createLogger(level: LogLevel): Logger {
  const { combine, timestamp, json } = winston.format;
  return winston.createLogger({
    level,
    format: combine(timestamp(), json()),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston declares its transports as interfaces
    transports: [new winston.transports.Console({ stderrLevels: [...LOG_LEVELS] })],
  });
}

import winston from 'winston';
import { LOG_LEVELS, type LogLevel } from './settings.ts';

/** Structured log lines on stderr. Fields are safe values of our own; errors go in as their text. */
export type Logger = Readonly<Record<LogLevel, (message: string, fields?: object) => void>>;

/** JSON lines on standard error, from this level up. */
export function createLogger(level: LogLevel): Logger {
  const { combine, timestamp, json } = winston.format;
  const logger = winston.createLogger({
    level,
    format: combine(timestamp(), json()),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston declares its transports as interfaces
    transports: [new winston.transports.Console({ stderrLevels: [...LOG_LEVELS] })],
  });
  // winston takes a line through its whole pipeline before it looks whether anybody wants it.
  const write = (own: LogLevel): Logger[LogLevel] =>
    logger.isLevelEnabled(own) ? (message, fields) => logger.log(own, message, fields) : () => undefined;
  return { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
}

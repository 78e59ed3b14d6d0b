import winston from 'winston';
import { LOG_LEVELS, type LogLevel } from './settings.ts';

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Structured log lines on stderr; fields are safe values. */
export interface Logger {
  readonly error: (message: string, fields?: LogFields) => void;
  readonly warn: (message: string, fields?: LogFields) => void;
  readonly info: (message: string, fields?: LogFields) => void;
  readonly debug: (message: string, fields?: LogFields) => void;
}

export function createLogger(level: LogLevel): Logger {
  const { combine, timestamp, json } = winston.format;
  const logger = winston.createLogger({
    level,
    format: combine(timestamp(), json()),
    transports: [new winston.transports.Console({ stderrLevels: [...LOG_LEVELS] })],
  });
  const at = (name: LogLevel) => (message: string, fields?: LogFields) => {
    logger.log(name, message, fields);
  };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

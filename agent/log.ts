import winston from 'winston';

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Structured log lines on stderr. Fields are safe values of our own; errors go in as their text. */
export interface Logger {
  readonly error: (message: string, fields?: LogFields) => void;
  readonly warn: (message: string, fields?: LogFields) => void;
  readonly info: (message: string, fields?: LogFields) => void;
  readonly debug: (message: string, fields?: LogFields) => void;
}

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

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

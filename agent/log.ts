import winston from 'winston';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Structured log lines on stderr. Fields are safe values of our own; errors go in as their text. */
export type Logger = Pick<winston.Logger, 'error' | 'warn' | 'info' | 'debug' | 'isDebugEnabled'>;

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

import { expect, test } from '@jest/globals';
import { aConfig, aDevice } from '../../test/fixtures/device.ts';
import { NO_KEY } from '../protocol/interface-key.ts';
import { previousState } from './journal.ts';

test('I2: a device that had no key shall have none again', () => {
  const { config, state } = previousState({ device: aDevice({ key: null }), running: aConfig() });
  expect([config.privateKey, state]).toEqual([NO_KEY, 'up']);
  expect(config.privateKey?.publicKey).toBe('');
});

test('I2: numbers that the file leaves open are those that the device had', () => {
  const running = aConfig({ listenPort: null, mtu: null });
  const { config } = previousState({ device: aDevice({ listenPort: 41_414, mtu: 1_380 }), running });
  expect(config).toMatchObject({ listenPort: 41_414, mtu: 1_380 });
});

test('I2: what was down shall be down', () => {
  expect(previousState({ device: null, running: aConfig() }).state).toBe('down');
});

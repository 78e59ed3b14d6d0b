import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aConfig, aCurrent, aDevice, aPeer } from '../../test/fixtures/device.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { plan } from './plan.ts';
import { idOf, unaskedSteps, wasThere } from './unasked.ts';

describe('H31: what heals what a request leaves as it is', () => {
  test.each<{ name: string; wanted: Partial<InterfaceConfig>; expected: string[] }>([
    {
      name: 'must not fail it',
      wanted: { mtu: 1_300 },
      expected: ['set-listen-port', 'add-address fd07::1/64', 'add-route 10.9.0.0/16 main'],
    },
    { name: 'is all that a request for nothing else is for', wanted: {}, expected: [] },
    {
      name: 'is no field that it asks for',
      wanted: { listenPort: 7 },
      expected: ['add-address fd07::1/64', 'add-route 10.9.0.0/16 main'],
    },
    {
      name: 'is no address where it asks for addresses',
      wanted: { addresses: [cidr('10.7.0.1/24'), cidr('fd07::1/64'), cidr('10.7.9.1/32')] },
      expected: ['set-listen-port', 'add-route 10.9.0.0/16 main'],
    },
  ])('$name', ({ wanted, expected }) => {
    const running = aConfig({ addresses: [cidr('10.7.0.1/24'), cidr('fd07::1/64')] });
    const device = aDevice({ listenPort: 5, peers: [aPeer({ allowedIps: [cidr('10.9.0.0/16')] })] });
    const config = { ...running, ...wanted };
    const steps = plan(aCurrent({ running, device }), { config, state: 'up' });
    expect(unaskedSteps(steps, running, config).map(idOf)).toEqual(expected);
  });

  test('an undo heals no route that was not there before', () => {
    const running = aConfig();
    const peers = [aPeer({ allowedIps: [cidr('10.9.0.0/16'), cidr('10.8.0.0/16')] })];
    const steps = plan(aCurrent({ running, device: aDevice({ peers }) }), { config: running, state: 'up' });
    const previous = aDevice({ routes: [{ destination: cidr('10.9.0.0/16'), table: 'main' }] });
    expect(steps.filter(wasThere(previous)).map(idOf)).toEqual(['add-route 10.9.0.0/16 main']);
    expect(steps.filter(wasThere(null))).toEqual(steps);
  });
});

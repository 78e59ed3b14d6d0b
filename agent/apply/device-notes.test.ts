import { expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aConfig, aDevice, aPeer, PEER_A, PEER_B } from '../../test/fixtures/device.ts';
import { newLedger } from '../core/device.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { render } from '../protocol/wgquick/render.ts';
import { wishesOfFile } from '../protocol/wgquick/peer-wishes.ts';
import { notesAfter } from './device-notes.ts';

const FILE = `${render([], aConfig())}\n[Peer]\nPublicKey = ${PEER_A}\nAllowedIPs = 10.7.0.2/32\n`;
const { peers: _, ...baseline } = aDevice();
const ledger = { ...newLedger(7), baseline };
const routes = [{ destination: cidr('10.8.0.0/24'), table: 'main' }];
const edits = { set: [{ publicKey: PEER_B, keepalive: 25 }], removed: [] };
const change = { device: aDevice(), edits, fileText: FILE, text: FILE, routes, unused: [] };

test('a route that came with a peer is right from now on, and noted once', () => {
  const first = notesAfter({ runningText: FILE, ledger }, change);
  expect(first.ledger?.baseline?.routes).toEqual([...baseline.routes, ...routes]);
  expect(notesAfter(first, change).ledger).toBe(first.ledger);
});

test('a peer that the running copy lacks comes into it as the kernel has it', () => {
  const byHand = aPeer({ publicKey: PEER_B, allowedIps: [cidr('10.7.0.3/32')], endpoint: null });
  const device = aDevice({ peers: [aPeer(), byHand] });
  const { runningText } = notesAfter({ runningText: `# older\n${FILE}`, ledger }, { ...change, device });
  expect(wishesOfFile(parseDocument(runningText ?? ''))).toEqual([
    { publicKey: PEER_A, allowedIps: ['10.7.0.2/32'], keepalive: 0 },
    { publicKey: PEER_B, allowedIps: ['10.7.0.3/32'], keepalive: 25 },
  ]);
});

test('a route that goes with a peer is missed no more', () => {
  const { ledger: after } = notesAfter(
    { runningText: FILE, ledger },
    { ...change, routes: [], unused: baseline.routes },
  );
  expect(after?.baseline?.routes).toEqual([]);
});

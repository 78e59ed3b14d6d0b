import { peerSections } from '../core/carry-over.ts';
import type { Device } from '../core/device.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { render } from '../protocol/wgquick/render.ts';

/** The file that an apply writes. Where there was none, the peers that only the kernel knows come into it: nobody else would keep them. */
export function fileTextOf(previousText: string | null, device: Device | null, config: InterfaceConfig): string {
  const text = render(parseDocument(previousText ?? ''), config);
  const peers = previousText === null ? (device?.peers ?? []) : [];
  return peers.length === 0 ? text : `${text.trimEnd()}\n\n${peerSections(peers)}`;
}

import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { chmod, mkdir, mkdtempDisposable, open, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTick } from 'node:timers/promises';
import { promisify } from 'node:util';
import { listFolder, makeFolder, readText, removeDurably, removeTemporaries, writeDurably } from './config-files.ts';

const temporaryFolder = (): ReturnType<typeof mkdtempDisposable> => mkdtempDisposable(join(tmpdir(), 'config-files-'));
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

describe('reading', () => {
  test('a missing file is null', async () => {
    await using folder = await temporaryFolder();
    expect(await readText(join(folder.path, 'wg0.conf'))).toBeNull();
  });

  test.each([
    { name: 'an empty file', text: '' },
    { name: 'CRLF and no final line feed', text: '[Interface]\r\nMTU = 1' },
    { name: 'a byte order mark', text: '\ufeff[Interface]\n' },
    { name: 'a NUL and a line separator', text: 'a\0b\u2028c' },
    { name: 'text beyond ASCII', text: '# ü € 😀\n' },
  ])('$name comes back byte for byte', async ({ text }) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'wg0.conf');
    await writeDurably(path, text);
    expect(await readText(path)).toBe(text);
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test.each([
    { name: 'Latin-1', bytes: [0x23, 0xfc] },
    { name: 'a cut sequence', bytes: [0xe2, 0x82] },
    { name: 'a surrogate', bytes: [0xed, 0xa0, 0x80] },
    { name: 'a NUL written long', bytes: [0xc0, 0x80] },
  ])('case M5: $name comes back byte for byte, although it is no UTF-8', async ({ bytes }) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'wg0.conf');
    await writeFile(path, Buffer.from(bytes));
    await writeDurably(path, (await readText(path)) ?? '');
    expect([...(await readFile(path))]).toEqual(bytes);
  });

  test('a symbolic link is refused, to a file and to nothing', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'target'), 'text');
    await symlink('target', join(folder.path, 'wg0.conf'));
    await symlink('nothing', join(folder.path, 'wg1.conf'));
    expect(await readText(join(folder.path, 'wg0.conf')).catch(codeOf)).toBe('invalid_file');
    expect(await readText(join(folder.path, 'wg1.conf')).catch(codeOf)).toBe('invalid_file');
  });

  test('a folder is refused', async () => {
    await using folder = await temporaryFolder();
    expect(await readText(folder.path).catch(codeOf)).toBe('invalid_file');
  });

  test('a named pipe is refused at once, although nobody writes to it', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'wg0.conf');
    await promisify(execFile)('mkfifo', [path]);
    const { promise: late, resolve: giveUp } = Promise.withResolvers<string>();
    const timer = setTimeout(giveUp, 500, 'still waiting');
    const read = readText(path).catch(codeOf);
    const outcome = await Promise.race([read, late]);
    clearTimeout(timer);
    // Lets a reader that still waits go on, so that the test can end.
    await (await open(path, constants.O_RDWR | constants.O_NONBLOCK)).close();
    await read;
    expect(outcome).toBe('invalid_file');
  });
});

describe('writing', () => {
  test('N6: a new file is closed to others', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'wg0.conf');
    await writeDurably(path, 'text');
    expect(await modeOf(path)).toBe('600');
  });

  test('N6: a file that was open to others is closed by a write', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'wg0.conf');
    await writeFile(path, 'previous');
    await chmod(path, 0o644);
    await writeDurably(path, 'new');
    expect([await modeOf(path), await readFile(path, 'utf8')]).toEqual(['600', 'new']);
  });

  test('N20: a reader sees the whole previous or the whole new text, in 200 writes', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'wg0.conf');
    const texts = ['a', 'b'].map((letter) => letter.repeat(200_000));
    await writeDurably(path, texts[0] ?? '');
    const state = { writing: true, torn: 0, reads: 0 };
    const readAll = async (): Promise<void> => {
      while (state.writing) {
        const text = await readText(path);
        state.reads += 1;
        if (text === null || !texts.includes(text)) state.torn += 1;
        await nextTick();
      }
    };
    const readers = [readAll(), readAll()];
    for (let count = 1; count <= 200; count += 1) await writeDurably(path, texts[count % 2] ?? '');
    state.writing = false;
    await Promise.all(readers);
    expect(state.torn).toBe(0);
    expect(state.reads).toBeGreaterThan(0);
  });

  test('N20: writers at the same time leave one whole text and nothing else', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'wg0.conf');
    const texts = Array.from({ length: 8 }, (_, at) => String(at).repeat(50_000));
    await Promise.all(texts.map((text) => writeDurably(path, text)));
    expect(texts).toContain(await readFile(path, 'utf8'));
    expect(await readdir(folder.path)).toEqual(['wg0.conf']);
  });

  test('a write that fails leaves no temporary file', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'wg0.conf');
    await mkdir(path);
    expect(await writeDurably(path, 'text').catch(codeOf)).toBe('EISDIR');
    expect(await readdir(folder.path)).toEqual(['wg0.conf']);
  });

  test('a write replaces a link, not what it points at', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'target'), 'theirs');
    await symlink('target', join(folder.path, 'wg0.conf'));
    await writeDurably(join(folder.path, 'wg0.conf'), 'ours');
    expect(await readFile(join(folder.path, 'target'), 'utf8')).toBe('theirs');
    expect(await readText(join(folder.path, 'wg0.conf'))).toBe('ours');
  });
});

describe('removing', () => {
  test('takes a file away, and a missing one is fine', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'wg0.conf');
    await writeDurably(path, 'text');
    await removeDurably(path);
    await removeDurably(path);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('temporary files that a crash left go, and nothing else', async () => {
    await using folder = await temporaryFolder();
    const others = ['.hidden', 'wg0.conf', 'wg0.conf.tmp'];
    for (const name of [...others, '.wgnode-wg0.conf.0123456789ab', '.wgnode-x']) {
      await writeFile(join(folder.path, name), '');
    }
    await removeTemporaries(folder.path);
    expect((await readdir(folder.path)).sort()).toEqual(others);
  });

  test('a folder that is missing has nothing', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'missing');
    await removeTemporaries(path);
    expect(await listFolder(path)).toEqual([]);
  });
});

test('a folder is made with its parents, closed to others, and a second time', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a', 'b');
  await makeFolder(path);
  await makeFolder(path);
  expect(await modeOf(path)).toBe('700');
});

/** What of an ELF file (elf(5)) tells on what machine and with which libraries it runs. */
export interface ElfNeeds {
  /** As OCI and Debian have it. */
  readonly arch: "amd64" | "arm64";
  /** Path of the dynamic loader; undefined in a library. */
  readonly interpreter: string | undefined;
  /** DT_NEEDED: names of libraries. */
  readonly libraries: readonly string[];
}

const MACHINES: Readonly<Record<number, ElfNeeds["arch"]>> = { 62: "amd64", 183: "arm64" };
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;

/** @throws Error when it is no 64-bit little-endian ELF file for a machine that is known. */
export function elfNeeds(bytes: Uint8Array): ElfNeeds {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isElf = bytes.length >= 64 && view.getUint32(0) === 0x7f454c46 && bytes[4] === 2 &&
    bytes[5] === 1;
  const arch = isElf ? MACHINES[view.getUint16(18, true)] : undefined;
  if (arch === undefined) throw new Error("not a Linux program for amd64 or arm64");
  const long = (offset: number) => Number(view.getBigUint64(offset, true));
  const text = (offset: number) =>
    new TextDecoder().decode(bytes.subarray(offset, bytes.indexOf(0, offset)));
  const [start, size, count] = [long(32), view.getUint16(54, true), view.getUint16(56, true)];
  const segments = Array.from({ length: count }, (_, i) => {
    const at = start + i * size;
    return {
      type: view.getUint32(at, true),
      offset: long(at + 8),
      address: long(at + 16),
      length: long(at + 32),
    };
  });
  const interp = segments.find(({ type }) => type === PT_INTERP);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  const needed: number[] = [];
  let strings = 0;
  for (let at = dynamic?.offset ?? 0, end = at + (dynamic?.length ?? 0); at < end; at += 16) {
    const tag = view.getBigUint64(at, true);
    if (tag === DT_NEEDED) needed.push(long(at + 8));
    if (tag === DT_STRTAB) strings = long(at + 8);
  }
  const load = segments.find(({ type, address, length }) =>
    type === PT_LOAD && address <= strings && strings < address + length
  );
  const table = strings - (load?.address ?? 0) + (load?.offset ?? 0);
  return {
    arch,
    interpreter: interp && text(interp.offset),
    libraries: needed.map((offset) => text(table + offset)),
  };
}

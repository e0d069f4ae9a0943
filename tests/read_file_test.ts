import assert from "node:assert/strict";
import { readAll, readFile, readTextFile } from "../lib/read_file.ts";

Deno.test("readFile() reads a file, also through a link", async () => {
  await using folder = await Folder.create();
  await Deno.writeTextFile(`${folder.path}/file`, "ä".repeat(100_000));
  await Deno.symlink("file", `${folder.path}/link`);
  assert.equal(await readTextFile(`${folder.path}/link`), "ä".repeat(100_000));
});

/** What may be in the place of a file. */
const wrongs: [what: string, make: (path: string) => Promise<unknown>, said: RegExp][] = [
  ["nothing", () => Promise.resolve(), /^does not exist$/],
  ["a folder", (path) => Deno.mkdir(path), /^is a folder, no file$/],
  [
    "a pipe that nobody writes to",
    (path) => new Deno.Command("mkfifo", { args: [path] }).output(),
    /^is a pipe or a device, no file$/,
  ],
  [
    "a device without an end",
    (path) => Deno.symlink("/dev/zero", path),
    /^is a pipe or a device, no file$/,
  ],
  [
    "a huge file",
    async (path) => {
      await Deno.writeTextFile(path, "");
      await Deno.truncate(path, 2 ** 40);
    },
    /^is larger than 4 MiB$/,
  ],
  ["a link to itself", (path) => Deno.symlink(path, path), /^cannot be read: Too many levels/],
];
for (const [what, make, said] of wrongs) {
  Deno.test(`readFile() says that ${what} is no file`, async () => {
    await using folder = await Folder.create();
    await make(`${folder.path}/file`);
    await assert.rejects(readFile(`${folder.path}/file`), ({ message }) => said.test(message));
  });
}

Deno.test({
  name: "readFile() says that this user may not read it",
  ignore: Deno.uid() === 0,
  async fn() {
    await assert.rejects(readFile("/etc/shadow"), /^\w*Error: may not be read by this user$/);
  },
});

Deno.test("readAll() ends with what has no end", async () => {
  let given = 0;
  await assert.rejects(
    readAll(
      new ReadableStream({
        pull: (controller) => {
          given++;
          controller.enqueue(new Uint8Array(1 << 16));
        },
      }),
    ),
    /larger than 4 MiB/,
  );
  assert.ok(given < 100);
});

/** One for each test. */
class Folder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async create(): Promise<Folder> {
    return new Folder(await Deno.makeTempDir());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

import assert from "node:assert/strict";
import { VERSION } from "../../lib/version.ts";
import { run } from "../lab/command.ts";
import { unpackImage } from "../lab/unpack_image.ts";
import { elfNeeds } from "../../tools/elf.ts";
import { buildImage } from "../../tools/image.ts";
import { sha256 } from "../../tools/release.ts";

Deno.test("elfNeeds() tells the machine, the loader and the libraries", async () => {
  const { arch, interpreter, libraries } = elfNeeds(await Deno.readFile(Deno.execPath()));
  assert.equal(arch, { x86_64: "amd64", aarch64: "arm64" }[Deno.build.arch]);
  assert.match(interpreter!, /^\/lib.*\/ld-linux/);
  assert.ok(libraries.includes("libc.so.6"), libraries.join());
  assert.throws(() => elfNeeds(new Uint8Array(100)), /not a Linux program/);
});

Deno.test("buildImage() gives the same bytes again, and says what is missing", async () => {
  const binary = "/bin/true";
  const one = await buildImage({ binary, root: "/" });
  // Not the bytes themselves: to show how two archives differ takes minutes and gigabytes.
  const again = await buildImage({ binary, root: "/" });
  assert.equal(sha256(again.archive), sha256(one.archive));
  assert.ok(one.files.includes("classvip"));
  const other = one.arch === "amd64" ? "arm64" : "amd64";
  await assert.rejects(buildImage({ binary, root: "/", arch: other }), /DENORT_BIN/);
  await assert.rejects(
    buildImage({ binary, root: "/no/" }),
    /There is no libc\.so\.6 for .*--root/,
  );
});

Deno.test("buildImage() makes one for the other machine, of its libraries", async () => {
  const root = await Deno.makeTempDir();
  try {
    const [own, other] = [`${root}/own`, `${root}/lib/aarch64-linux-gnu`];
    const { files } = await buildImage({ binary: "/bin/true", root: "/" });
    await Deno.mkdir(other, { recursive: true });
    const names = files.filter((file) => file !== "classvip");
    for (const file of ["bin/true", ...names]) {
      const bytes = await Deno.readFile(`/${file}`);
      // e_machine of elf(5): EM_AARCH64. Nobody runs it.
      new DataView(bytes.buffer).setUint16(18, 183, true);
      const path = file === "bin/true" ? own : `${other}/${file.split("/").at(-1)}`;
      await Deno.writeFile(path, bytes);
    }
    const image = await buildImage({ binary: own, root: `${root}/`, arch: "arm64" });
    assert.equal(image.arch, "arm64");
    assert.equal(image.files.length, files.length);
    assert.match(new TextDecoder().decode(image.archive), /"architecture":"arm64"/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("deploy/Containerfile makes an image of the same files, user and command", async () => {
  const containerfile = await Deno.readTextFile("deploy/Containerfile");
  const binary = Deno.execPath();
  const { files, archive } = await buildImage({ binary, root: "/" });
  const [, libraries] = /cp --parents -L \/classvip \\\n +\$\((.*)\) \/root-fs/.exec(
    containerfile,
  )!;
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", libraries!.replace("/classvip", binary)],
  }).output();
  const copied = new TextDecoder().decode(stdout).trim().split("\n").map((path) => path.slice(1));
  assert.deepEqual(["classvip", ...copied].sort(), files.toSorted());
  const text = new TextDecoder().decode(archive);
  for (const [, word, value] of containerfile.matchAll(/^(USER|ENTRYPOINT|CMD) (.*)$/gm)) {
    const json = value!.startsWith("[") ? value : JSON.stringify(value);
    const key = { USER: "User", ENTRYPOINT: "Entrypoint", CMD: "Cmd" }[word!];
    assert.ok(text.includes(`"${key}":${json}`), `${word} ${value}`);
  }
});

const ARM64 = `dist/release/classvip-${VERSION}-arm64.oci.tar`;
const QEMU = "qemu-aarch64-static";

const missing = await Deno.stat(ARM64).then(
  () => run([QEMU, "--version"]).then(() => "", () => `there is no ${QEMU}`),
  () => `there is no ${ARM64}, of deno task release --also=…`,
);
Deno.test({
  name: `the image for arm64 runs, in an emulator${missing && ` (skipped: ${missing})`}`,
  ignore: missing !== "",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const { root } = await unpackImage(ARM64, folder);
      // Nothing but the image: -L is where the loader and the libraries are looked for.
      const classvip = (...args: string[]) =>
        run([
          "env",
          "-i",
          `PATH=${Deno.env.get("PATH")}`,
          QEMU,
          "-L",
          root,
          `${root}/classvip`,
          ...args,
        ]);
      assert.match(await classvip("version"), /^classvip \S+ \(deno \S+, linux aarch64\)$/m);
      assert.match(await classvip("config", "--leaseName=other"), /leaseName +other +flag/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

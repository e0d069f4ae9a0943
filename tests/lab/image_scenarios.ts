import assert from "node:assert/strict";
import { buildImage } from "../../tools/image.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { classvipCommand } from "./agent.ts";
import { run } from "./command.ts";
import type { LabHost } from "./host.ts";
import { unpackImage } from "./unpack_image.ts";

const USER = 65532;
const CAPABILITIES = "cap_net_admin,cap_net_raw";

export const imageScenarios: Scenario[] = [
  {
    name: "image: a handover between two containers, read-only, nothing in them but the program",
    async run(stage) {
      const folder = await Deno.makeTempDir({ prefix: "classvip-image-" });
      stage.defer(() => Deno.remove(folder, { recursive: true }));
      const root = await unpack((await classvipCommand())[0]!, folder);
      await Deno.copyFile(stage.world.kubeconfig, `${folder}/kubeconfig`);
      await Deno.chmod(`${folder}/kubeconfig`, 0o644);
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const start = (node: LabHost) =>
        stage.startAgent(node, {
          kubeconfig: "/run/kubeconfig",
          command: inContainer(root, `${folder}/kubeconfig`),
        });
      const [one, two] = stage.nodes;
      const first = await start(one!);
      await stage.served(service, vip, one);
      await start(two!);
      assert.equal((await first.terminate()).code, 0);
      await stage.served(service, vip, two);
    },
  },
];

/** @returns the folder with the root file system, and what a runtime needs to be in it */
async function unpack(binary: string, folder: string): Promise<string> {
  const { archive, files } = await buildImage({ binary, root: "/" });
  await Deno.writeFile(`${folder}/image.tar`, archive);
  const { root, user, entrypoint } = await unpackImage(`${folder}/image.tar`, folder);
  assert.match(user, /^[1-9]\d*:[1-9]\d*$/);
  assert.deepEqual(entrypoint, ["/classvip"]);
  const found = (await run(["find", root, "-type", "f", "-printf", "%P\\n"])).trim().split("\n");
  assert.deepEqual(found.sort(), files.toSorted());
  // Where a runtime mounts what belongs to the container.
  for (const name of ["proc", "run", "dev"]) await Deno.mkdir(`${root}/${name}`);
  await Deno.writeTextFile(`${root}/run/kubeconfig`, "");
  await Deno.chmod(folder, 0o755);
  return root;
}

/** A mount namespace whose root is the image, read-only, and its user with two capabilities. */
function inContainer(root: string, kubeconfig: string): string[] {
  const script = `set -e
    mount --make-rprivate /
    mount --bind "${root}" "${root}"
    mount -t proc proc "${root}/proc"
    mount --bind "${kubeconfig}" "${root}/run/kubeconfig"
    mount -o remount,bind,ro "${root}"
    cd "${root}"
    # Of the machine that tests: its certificates are not in the image.
    unset DENO_TLS_CA_STORE
    all=$(seq 0 "$(cat /proc/sys/kernel/cap_last_cap)" | grep -vx -e 12 -e 13 | paste -sd,)
    exec capsh --chroot="${root}" --drop="$all" --groups= --gid=${USER} --keep=1 --uid=${USER} \
      --caps=${CAPABILITIES}+eip --addamb=${CAPABILITIES} --shell=/classvip -- "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, "sh"];
}

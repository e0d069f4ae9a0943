import { cases, runCase, type Target } from "../lab/api/conformance.ts";
import { ControlPlane } from "./control_plane.ts";

const assets = Deno.env.get("KUBEBUILDER_ASSETS");

Deno.test({
  name: "kube-apiserver does as the lab's API server is tested to do" +
    (assets
      ? ""
      : " (skipped: KUBEBUILDER_ASSETS does not name a folder with etcd and kube-apiserver)"),
  ignore: !assets,
  async fn(t) {
    const dir = await Deno.makeTempDir({ prefix: "classvip-conformance-" });
    try {
      await using plane = await ControlPlane.start({ assets: assets!, dir });
      using client = plane.httpClient();
      const target: Target = {
        url: plane.url,
        headers: { authorization: `Bearer ${plane.token}` },
        client,
        enforcesRights: true,
        forget: () => plane.forget(),
      };
      for (const one of cases) await t.step(one.name, () => runCase(target, one));
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

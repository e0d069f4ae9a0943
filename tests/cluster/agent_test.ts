import { allScenarios } from "../scenarios/all.ts";
import { slowMixUpScenarios } from "../scenarios/mix_ups.ts";
import { play } from "../scenarios/scenario.ts";
import { World } from "../scenarios/world.ts";
import { controlPlaneRbacScenarios } from "./control_plane_rbac_scenarios.ts";
import { RealPlane } from "./real_plane.ts";
import { exampleScenarios } from "./example_scenarios.ts";
import { kubeVipScenarios } from "./kube_vip_scenarios.ts";
import { manifestScenarios } from "./manifest_scenarios.ts";
import { poolObjectScenarios } from "./pool_scenarios.ts";
import { refusalScenarios } from "./refusal_scenarios.ts";
import { rbacScenarios } from "./rbac_scenarios.ts";
import { tokenScenarios } from "./token_scenarios.ts";

const assets = Deno.env.get("KUBEBUILDER_ASSETS");

Deno.test({
  name: "classvip run, with kube-apiserver" +
    (assets
      ? ""
      : " (skipped: KUBEBUILDER_ASSETS does not name a folder with etcd and kube-apiserver)"),
  ignore: !assets,
  async fn(t) {
    await using world = await World.create((hostname, dir) =>
      RealPlane.start(assets!, hostname, dir)
    );
    await play(t, world, [
      ...allScenarios,
      ...poolObjectScenarios,
      ...rbacScenarios,
      ...controlPlaneRbacScenarios,
      ...tokenScenarios,
      ...refusalScenarios,
      ...slowMixUpScenarios,
      ...manifestScenarios,
      ...kubeVipScenarios,
      ...exampleScenarios,
    ]);
  },
});

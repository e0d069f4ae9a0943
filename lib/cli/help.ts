import { defaultOf, envNameOf, type Setting, settingNames, settingOf } from "../config/settings.ts";
import type { CliContext } from "./context.ts";
import { wrap } from "./text.ts";

const WIDTH = 100;
const INDENT = " ".repeat(6);

const HEAD = `classvip: virtual IPs for Kubernetes, one instance for each load-balancer class

Usage: classvip [command] [--flag=value ...]

Commands:
  run       serve the LoadBalancer Services of the classes (default; also: manager)
  config    show the effective settings and where each came from (--output=json for programs,
            --schema: what the file may say, for editors); config FILE... also checks whether the
            addresses that Services in these files ask for are theirs by the plan
  classes   show the classes as the cluster has them, what is mixed up and what to do about it
            (--output=json; exit code 3 when something is)
  handover  ask the holder to hand over to another node (--to=<node>), without a gap
  release   withdraw this node's VIPs and release its Leases, for use after a crash
  manifest  print what runs these settings: manifest daemonset|static-pod|systemd|rbac|configmap
            (--image=<image>, --namespace=<namespace>, --name=<of all its objects>)
  migrate   read kube-vip's manifests and print classvip's: migrate FILE... (-: standard input)
  version   show the version
  help      show this

Examples:
  classvip --loadBalancerClass=internal-vip --leaseName=custom-lease-name
  classvip --loadBalancerClass=example.com/public --interface=eth1 --alsoClassless
  classvip config --config=/etc/classvip.yaml
  classvip --config=/etc/classvip.yaml --only=public-prod

A flag counts more than its environment variable, that more than the YAML file of --config.
Exit codes: 0 done, 1 failed, 2 wrong settings or usage, 3 mix-ups were found, 4 the API
server cannot be reached, 5 it does not allow it.
Durations are 5s, 1500ms, 1m30s or plain seconds. kube-vip's names are understood too.`;

/** `classvip help`. */
export function help({ stdout }: CliContext): Promise<number> {
  stdout(helpText());
  return Promise.resolve(0);
}

/** @returns the help of all settings, at most 100 columns wide. */
export function helpText(): string {
  const groups = Map.groupBy(settingNames, (name) => settingOf(name).group);
  const sections = [...groups].map(([group, names]) => {
    const entries = names.map((name) => {
      const setting = settingOf(name);
      const head = `  ${flagForm(name, setting)}`.padEnd(40) + envNameOf(name);
      const text = `${setting.text} Default: ${defaultOf(setting)}.`;
      return [head, ...wrap(text, WIDTH - INDENT.length).map((line) => INDENT + line)].join("\n");
    });
    return `${group}:\n${entries.join("\n")}`;
  });
  return [HEAD, ...sections].join("\n\n");
}

function flagForm(name: string, { kind }: Setting): string {
  if (kind === "boolean") return `--${name}`;
  return `--${name}=${
    kind === "list" ? "<a,b>" : kind === "pools" ? "<addresses>" : kind === "map" ? "<json>" : kind
  }`;
}

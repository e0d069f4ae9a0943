import { kubeVipSettings } from "../lib/config/kube_vip.ts";
import {
  defaultOf,
  envNameOf,
  type Setting,
  type SettingName,
  settingNames,
  settingOf,
  yamlKeyOf,
} from "../lib/config/settings.ts";
import { configSchema } from "../lib/config/schema.ts";
import { wrap } from "../lib/cli/text.ts";

const INTRO = `# Settings

<!-- Written by tools/settings_docs.ts from the table in lib/config/settings.ts. -->

A setting comes from a flag, else its \`CLASSVIP_\` environment variable, else another name of it in
the environment, else the YAML file that \`--config\` names, else its default. \`classvip config\` shows
what counts and where it came from. Every wrong setting is reported at once, and the exit code is 2.

- Durations are \`5s\`, \`1500ms\`, \`1m30s\`, or plain seconds (\`5\`, \`0.5\`).
- An empty environment variable is not set.
- Two names of one setting that say different things at the same level are an error, except
  \`vip_servicesinterface\`, which counts more than \`vip_interface\`. A \`CLASSVIP_\` variable beside
  another name wins, with a warning.
- An unknown flag, \`CLASSVIP_\` variable or YAML key is an error. The variables that Kubernetes sets
  for a Service called \`classvip\` are let pass.

## Several instances in one process

A YAML file may list \`instances:\`. Settings of an instance at the top level count for all instances
that don't say otherwise. Flags and environment variables for settings of an instance make one
instance, and are an error beside \`instances:\`. \`--only\` picks instances of the list.

\`\`\`yaml
interface: eth0
instances:
  - name: public
    loadBalancerClass: example.com/public
  - name: internal
    loadBalancerClass: internal-vip
    leaseName: custom-lease-name
    interface: eth1
\`\`\`

Two instances of one process never share a name, a Lease, or Services: that is an error. How to plan
them: [classes](classes.md). For editors there is a schema, \`deploy/schema/classvip.schema.json\`;
\`classvip config --schema\` prints it:

\`\`\`yaml
# yaml-language-server: $schema=classvip.schema.json
\`\`\``;

const KUBE_VIP_INTRO = `## Settings of kube-vip

Their other names above are taken over as they are. None of the others is passed over in silence:
what asks for something that classvip does not do is an error, what changes nothing here is a
warning. Two things differ:

- kube-vip serves Services without a class beside those of its class. classvip serves exactly the
  class, unless \`alsoClassless\` or \`lb_class_legacy_handling=true\` asks for both.
- kube-vip without a class also serves the class \`kube-vip.io/kube-vip-class\`. classvip serves it
  when it is set as \`loadBalancerClass\`.

\`vip_loglevel\` is read as in kube-vip: negative is debug, 0 info, 4 warn, 8 error. \`vip_arpRate\`
counts milliseconds. A \`prometheus_server\` of \`:2112\`, which every generated manifest has, is
listened on, but counts as not chosen: if it is taken, another port is.`;

/** @returns the text of docs/settings.md. */
function renderSettingsDocs(): string {
  const groups = Map.groupBy(settingNames, (name) => settingOf(name).group);
  const sections = [...groups].map(([group, names]) =>
    [`## ${group}`, ...names.map(renderSetting)].join("\n\n")
  );
  return [INTRO, ...sections, KUBE_VIP_INTRO, renderKubeVip()].join("\n\n") + "\n";
}

const SCOPES = {
  process: "For the process",
  instance: "For each instance",
  both: "For the process, and for each instance",
};

function renderSetting(name: SettingName): string {
  const setting = settingOf(name);
  const key = yamlKeyOf(name);
  const facts = [
    `Flag \`--${name}\`, env \`${envNameOf(name)}\`` + (key ? `, YAML \`${key}\`` : ""),
    ...aliasesOf(setting),
    `Default: ${setting.defaultText ?? `\`${defaultOf(setting)}\``}`,
    SCOPES[setting.scope],
  ];
  return [
    `### ${name}`,
    wrap(escape(setting.text), 100).join("\n"),
    facts.map((fact) => wrap(`- ${escape(fact)}`, 98).join("\n  ")).join("\n"),
  ].join("\n\n");
}

function aliasesOf({ aliases = [] }: Setting): string[] {
  const names = aliases.flatMap(({ env, flag }) => [
    ...(env ? [`env \`${env}\``] : []),
    ...(flag ? [`flag \`--${flag}\``] : []),
  ]);
  return names.length > 0 ? [`Other names: ${names.join(", ")}`] : [];
}

function renderKubeVip(): string {
  const rows = kubeVipSettings.map(({ env, flag, text }) => [
    env ? `\`${env}\`` : "",
    flag ? `\`${flag.length === 1 ? "-" : "--"}${flag}\`` : "",
    text,
  ]);
  return renderTable([["env", "flag", "here"], ...rows]);
}

/** As `deno fmt` aligns it. */
function renderTable([head, ...rows]: string[][]): string {
  const all = [head!, ...rows];
  const widths = head!.map((_, i) => Math.max(3, ...all.map((row) => row[i]!.length)));
  const line = (cells: string[]) => `| ${cells.map((c, i) => c.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head!), line(widths.map((w) => "-".repeat(w))), ...rows.map(line)].join("\n");
}

/** Outside of code spans, Markdown would take `<class>` for HTML. */
function escape(text: string): string {
  return text.replaceAll(/(?<!`[^`]*)<(\w+)>/g, "\\<$1>");
}

/** What the values of the Helm chart may say: a name spelt wrong would end every pod. */
function chartSchema(): unknown {
  const settings = settingNames.map((name) => {
    const { kind, text } = settingOf(name);
    const more = { list: ["array"], pools: ["array"], map: ["object"] }[kind as string] ?? [];
    // What fits a setting is for classvip itself to say, all at once.
    return [name, { description: text, type: [...SCALARS, ...more] }];
  });
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Values of the chart classvip",
    type: "object",
    additionalProperties: false,
    properties: {
      global: { type: "object" },
      image: {
        type: "object",
        additionalProperties: false,
        properties: { repository: { type: "string" }, tag: { type: ["string", "number"] } },
      },
      settings: {
        description: "As on the command line, without the dashes",
        type: "object",
        additionalProperties: false,
        properties: Object.fromEntries(settings),
      },
      plan: { description: "The text of a file with several instances", type: "string" },
      name: {
        description: "Of all objects; without it: the Lease of the first instance",
        type: "string",
        maxLength: 63,
      },
      nodeSelector: { type: "object", additionalProperties: { type: "string" } },
    },
  };
}

const SCALARS = ["string", "number", "boolean", "null"];

/** Path and text of every file that is written from the table. */
export function generatedFiles(): [path: string, text: string][] {
  return [
    ["docs/settings.md", renderSettingsDocs()],
    ["deploy/schema/classvip.schema.json", JSON.stringify(configSchema(), undefined, 2) + "\n"],
    [
      "deploy/helm/classvip/values.schema.json",
      JSON.stringify(chartSchema(), undefined, 2) + "\n",
    ],
  ];
}

if (import.meta.main) {
  for (const [path, text] of generatedFiles()) {
    const file = new URL(`../${path}`, import.meta.url);
    if (!Deno.args.includes("--check")) {
      await Deno.writeTextFile(file, text);
    } else if (await Deno.readTextFile(file) !== text) {
      console.error(`${path} is stale: deno task settings writes it anew`);
      Deno.exit(1);
    }
  }
}

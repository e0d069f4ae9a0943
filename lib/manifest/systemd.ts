import type { Deployment } from "./deployment.ts";

/**
 * A systemd unit for these settings.
 *
 * @param configPath of the file with the instances on the node, where there is one
 */
export function systemdUnit(deployment: Deployment, configPath: string | undefined): string {
  const { flags, kubeconfig } = deployment;
  const settings = [
    ...configPath ? [`--config=${configPath}`] : [],
    ...kubeconfig ? [`--kubeconfig=${kubeconfig}`] : [],
    ...flags,
  ].map(quoted);
  const command = (name: string) => ["/usr/local/bin/classvip", name, ...settings].join(" ");
  return `[Unit]
Description=Virtual IPs of ${deployment.instances.map(({ name }) => name).join(", ")}
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
ExecStart=${command("run")}
ExecReload=/bin/kill -HUP $MAINPID
ExecStopPost=${command("release")}
Restart=always
RestartSec=1
DynamicUser=yes
AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes

[Install]
WantedBy=multi-user.target
`;
}

/** As systemd.service(5), "Command lines": specifiers and variables are not wanted. */
function quoted(argument: string): string {
  const text = argument.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w@%+=:,./$-]+$/.test(text)
    ? text
    : `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

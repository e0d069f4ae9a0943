import { type Deployment, fileNameOf } from "./deployment.ts";

const PROGRAM = "/usr/local/bin/classvip";
/** Root's: the service's user gets a copy. */
const KUBECONFIG = "/etc/classvip/kubeconfig";
/** Where systemd puts the copies: a path below it is one already. */
const CREDENTIALS = "/run/credentials/";

/**
 * A systemd unit for these settings. With a file of instances alone it is deploy/systemd's.
 *
 * @param configPath of the file with the instances on the node, where there is one
 */
export function systemdUnit(deployment: Deployment, configPath: string | undefined): string {
  const { flags, kubeconfig = KUBECONFIG, keyFiles } = deployment;
  const config = configPath ? [quoted(`--config=${configPath}`)] : [];
  // %d: the folder with the credentials, systemd.unit(5).
  const asCredentials = flags.map((flag) =>
    flag.startsWith("--beaconKeyFile=") ? `--beaconKeyFile=%d/${fileNameOf(flag)}` : quoted(flag)
  );
  const command = (name: string, kubeconfig: string, flags: readonly string[]) =>
    [PROGRAM, name, ...config, kubeconfig, ...flags].join(" ");
  const credentials = [
    `LoadCredential=kubeconfig:${kubeconfig}`,
    ...keyFiles.filter((path) => !path.startsWith(CREDENTIALS))
      .map((path) => `LoadCredential=${fileNameOf(path)}:${path}`),
  ];
  return `# docs/install-systemd.md tells how to install it.
[Unit]
Description=classvip, virtual IPs of Kubernetes LoadBalancer Services
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=${command("run", "--kubeconfig=%d/kubeconfig", asCredentials)}
ExecReload=/bin/kill -HUP $MAINPID
# Runs after a crash too: nothing stays on the interfaces, and the next node need not wait.
# It gets no credentials, so it is root's ("!"), with the same two capabilities in the same sandbox.
ExecStopPost=-!${command("release", quoted(`--kubeconfig=${kubeconfig}`), flags.map(quoted))}
${credentials.join("\n")}
# Wrong settings (2) and what systemd itself cannot do (200 to 255) wait for somebody to mend them:
# they are tried every 10 s. After a crash the next start is one second away, at every time.
ExecStopPost=/bin/sh -c 'case $$EXIT_STATUS in 2|2??) exec sleep 9 ;; esac'
Restart=always
RestartSec=1
TimeoutStartSec=90
TimeoutStopSec=30
# A process that hangs is killed; its addresses went with their lifetimes by then.
WatchdogSec=10
WatchdogSignal=SIGKILL

DynamicUser=yes
# Addresses; packet sockets.
AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW
NoNewPrivileges=yes
UMask=0077

# For fastFailover alone: a TUN device. PrivateDevices= would hide it.
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw

ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateMounts=yes
ProtectProc=invisible
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
LockPersonality=yes
RemoveIPC=yes
# V8 makes code at run time: no MemoryDenyWriteExecute.
SystemCallArchitectures=native
SystemCallFilter=@system-service @pkey
SystemCallFilter=~@privileged @resources @mount @swap @reboot @obsolete
SystemCallErrorNumber=EPERM

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

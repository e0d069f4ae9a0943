import { parseBoolean } from "./values.ts";

/** What becomes of a kube-vip setting that is no plain alias of one of classvip's. */
export type Verdict =
  /** Asks for what classvip does anyway. */
  | { readonly same: true }
  /** Has no effect here, which the reason explains. */
  | { readonly ignored: string }
  /** Asks for what classvip does not do: would change behaviour. */
  | { readonly problem: string; readonly right: string }
  /** Stands for another setting's value. */
  | { readonly use: "loadBalancerClass" | "alsoClassless"; readonly value: string };

/** A kube-vip setting by its names there. */
export interface KubeVipSetting {
  readonly env?: string;
  /** Without the leading dashes. */
  readonly flag?: string;
  /** A flag that needs no value. */
  readonly boolean?: true;
  /** For the reference. */
  readonly text: string;
  /** @param has tells whether a setting was given under one of these env or flag names. */
  judge(value: string, has: (...names: string[]) => boolean): Verdict;
}

const OWN_CLASS = "kube-vip.io/kube-vip-class";
const SAME: Verdict = { same: true };

function names(list: string): { env?: string; flag?: string } {
  const [env, flag] = list.split(" ");
  return { ...(env !== "-" && { env: env! }), ...(flag && { flag }) };
}

/** Kind of judgement by a boolean value. */
function byBoolean(onTrue: Verdict, onFalse: Verdict): KubeVipSetting["judge"] {
  return (value) => {
    const parsed = parseBoolean(value);
    if (!parsed.ok) return parsed;
    return parsed.value ? onTrue : onFalse;
  };
}

/** Modes and features that classvip does not have: true is refused. */
function refused(list: string, what: string, right = "false, or kube-vip"): KubeVipSetting {
  return {
    ...names(list),
    boolean: true,
    text: `true is refused: ${what}`,
    judge: byBoolean({ problem: `classvip does not do ${what}`, right }, SAME),
  };
}

/** Settings whose every value stands for something that classvip does not do. */
function refusedAlways(list: string, what: string): KubeVipSetting {
  return {
    ...names(list),
    text: `refused: ${what}`,
    judge: () => ({ problem: `classvip does not do ${what}`, right: "to leave it out" }),
  };
}

/** Details of something that is off, or that classvip does in a way of its own. */
function ignored(lists: string[], why: string, more: { boolean?: true } = {}) {
  return lists.map((list): KubeVipSetting => ({
    ...names(list),
    ...more,
    text: `no effect: ${why}`,
    judge: () => ({ ignored: why }),
  }));
}

/** Every setting of kube-vip that is no plain alias. "-" stands where there is no env name. */
export const kubeVipSettings: readonly KubeVipSetting[] = [
  {
    env: "vip_arp",
    flag: "arp",
    boolean: true,
    text: "true is what classvip does; false is refused",
    judge: byBoolean(SAME, { problem: "classvip announces by ARP only", right: "true" }),
  },
  {
    env: "svc_enable",
    flag: "services",
    boolean: true,
    text: "true is what classvip does; false is refused without cp_enable",
    judge: (value, has) =>
      byBoolean(
        SAME,
        has("cp_enable", "controlplane", "controlPlane", "CLASSVIP_CONTROL_PLANE")
          ? SAME
          : { problem: "classvip exists to serve Services", right: "true" },
      )(value, has),
  },
  {
    env: "vip_leaderelection",
    flag: "leaderElection",
    boolean: true,
    text: "no effect: Services always have an elected holder, as in kube-vip",
    judge: byBoolean(SAME, SAME),
  },
  {
    flag: "leaderElectionType",
    text: "kubernetes is what classvip does; etcd is refused",
    judge: (value) =>
      value === "kubernetes"
        ? SAME
        : { problem: "classvip elects through Leases only", right: "kubernetes" },
  },
  {
    env: "lb_class_only",
    flag: "lbClassOnly",
    boolean: true,
    text: `true is what classvip does; without another class it sets ${OWN_CLASS}`,
    judge: (value, has) => {
      const named = has(
        "loadBalancerClass",
        "CLASSVIP_LOAD_BALANCER_CLASS",
        "lb_class_name",
        "lbClassName",
      );
      const onTrue: Verdict = named ? SAME : { use: "loadBalancerClass", value: OWN_CLASS };
      return byBoolean(onTrue, {
        ignored: "a class is served alone; alsoClassless adds the Services without a class",
      })(value, has);
    },
  },
  {
    env: "lb_class_legacy_handling",
    flag: "lbClassNameLegacyHandling",
    boolean: true,
    text: "true sets alsoClassless, unless lb_class_only is set; false is what classvip does",
    judge: (value, has) => {
      const only = has("lb_class_only", "lbClassOnly");
      const onTrue: Verdict = only ? SAME : { use: "alsoClassless", value: "true" };
      return byBoolean(onTrue, SAME)(value, has);
    },
  },
  {
    env: "health_check_port",
    flag: "healthCheckPort",
    text: "0 is accepted; another value is refused: /healthz is on httpAddress",
    judge: (value) =>
      value === "0" ? SAME : {
        problem: "/healthz answers on httpAddress, there is no second port",
        right: "0, and httpAddress with the port that the probes use",
      },
  },
  ...["vip_subnet vipSubnet", "vip_cidr"].map((list): KubeVipSetting => ({
    ...names(list),
    text: "32 and 128 are what classvip does; another prefix length is refused",
    judge: (value) =>
      /^(\/?(32|128)(,|$))+$/.test(value)
        ? SAME
        : { problem: "a VIP is always a /32 or a /128", right: "32 or 128" },
  })),
  refused("bgp_enable bgp", "BGP"),
  refused("vip_wireguard wireguard", "WireGuard"),
  refused("vip_routingtable table", "the routing-table mode"),
  refused("lb_enable enableLoadBalancer", "IPVS load balancing"),
  refused("vip_ddns ddns", "dynamic DNS and DHCP"),
  refused("enable_upnp", "UPnP"),
  refused("zebra_enable zebra", "BGP through Zebra"),
  refused(
    "svc_election servicesElection",
    "an election for each Service: one Lease serves all Services of an instance",
    "false; several instances spread the load",
  ),
  refused(
    "per_service_election_on_demand perServiceElectionOnDemand",
    "an election for each Service",
    "false",
  ),
  refused(
    "vip_preserve_on_leadership_loss preserveVipOnLeadershipLoss",
    "keeping a VIP without its Lease",
    "false",
  ),
  refused(
    "vip_loseleadership loseLeadership",
    "giving the Lease up when a link goes down",
    "false",
  ),
  refused("vip_singlenode", "holding without an election", "false"),
  refused("vip_startleader", "holding without an election", "false"),
  refused("enable_service_security onlyAllowTrafficServicePorts", "packet filtering", "false"),
  refused("enable_node_labeling enableNodeLabeling", "labels on nodes", "false"),
  refused("disable_service_updates disableServiceUpdates", "serving without a status", "false"),
  refused("vip_interfaceloglobal loInterfaceGlobalScope", "VIPs on the loopback", "false"),
  refused("vip_packet", "elastic IPs of a provider", "false"),
  refusedAlways("egress_podcidr", "egress"),
  refusedAlways("egress_servicecidr", "egress"),
  refusedAlways("mirror_dest_interface mirrorDestInterface", "mirroring of traffic"),
  ...ignored(["vip_configmap configMap"], "kube-vip itself does not use it any more"),
  refusedAlways("config_file config-file", "kube-vip's file; config names a classvip file"),
  ...ignored(
    ["vip_renewdeadline leaseRenewDuration"],
    "the holder renews until leaseDuration runs out",
  ),
  ...ignored(
    ["vip_leasename"],
    "it names kube-vip's own lock for the control plane; leaseName names the Lease here",
  ),
  ...ignored(["cp_namespace namespace", "- n"], "leaseNamespace names the Lease's namespace"),
  ...ignored(
    [
      "backend_health_check_interval",
      "control_plane_health_check_address controlPlaneHealthCheckAddress",
      "control_plane_health_check_ca_path controlPlaneHealthCheckCAPath",
      "lb_port lbPort",
      "lb_fwdmethod lbForwardingMethod",
    ],
    "classvip finds the node's own API server, and verifies it with the kubeconfig's authority",
  ),
  ...ignored(["cp_detect autodetectcp"], "controlPlane says it", {
    boolean: true,
  }),
  ...ignored(
    [
      "bgp_routerid bgpRouterID",
      "bgp_routerinterface",
      "bgp_as localAS",
      "bgp_peeraddress peerAddress",
      "bgp_peeras peerAS",
      "bgp_peers bgppeers",
      "bgp_peerpass peerPass",
      "bgp_sourceif sourceIF",
      "bgp_sourceip sourceIP",
      "bgp_hold_time bgpHoldTimer",
      "bgp_keepalive_interval bgpKeepAliveInterval",
      "zebra_url zebraUrl",
      "zebra_version zebraVersion",
      "zebra_software_name zebraSoftwareName",
      "mpbgp_nexthop",
      "mpbgp_ipv4",
      "mpbgp_ipv6",
      "annotation annotations",
    ],
    "it belongs to BGP",
  ),
  ...ignored(
    ["bgp_multihop multihop", "bgp_attach_ip_to_interface bgpAttachIPToInterface"],
    "it belongs to BGP",
    { boolean: true },
  ),
  ...ignored(
    [
      "vip_routingtableid tableID",
      "vip_routingtabletype tableType",
      "vip_routingprotocol routingProtocol",
    ],
    "it belongs to the routing-table mode",
  ),
  ...ignored(
    ["vip_cleanroutingtable cleanRoutingTable"],
    "it belongs to the routing-table mode",
    { boolean: true },
  ),
  ...ignored(
    ["egress_withnftables egressWithNftables", "egress_clean", "egress_enableinternalsnat"],
    "it belongs to egress",
    { boolean: true },
  ),
  ...ignored(["iptables_backend"], "it belongs to egress"),
  // In every generated manifest; alone it asks for nothing.
  ...ignored(
    ["dhcp_mode dhcpMode", "dhcp_backoff_attempts dhcpBackoffAttempts"],
    "it belongs to DHCP",
  ),
  ...ignored(["dns_mode dnsMode"], "classvip does not look names up"),
  ...ignored(
    ["vip_loseleadership_timeout_seconds loseLeadershiptTimeoutSeconds"],
    "it belongs to loseLeadership",
  ),
  ...ignored(["- etcdCACert", "- etcdCert", "- etcdKey", "- etcdEndpoints"], "it belongs to etcd"),
  ...ignored(["debounce_time debounceTime"], "Services are watched without a debounce"),
  ...ignored(
    ["vip_allow_interface_not_up allowInterfaceNotUp"],
    "an interface that is down does not stop classvip",
    { boolean: true },
  ),
  ...ignored(["vip_skipdad"], "VIPs are always set without it", { boolean: true }),
  ...ignored(
    ["enable_endpoints enableEndpoints", "enable_endpointslices enableEndpointSlices"],
    "classvip does not look at endpoints yet",
    { boolean: true },
  ),
  ...ignored(["provider_config provider-config"], "classvip asks no provider"),
];

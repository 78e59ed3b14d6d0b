import type { Program } from './program.ts';

const WORDS = new Set(
  `root ingress clsact parent handle classid prio priority pref protocol ip ipv6 all u32 match src dst sport dport ht hashkey mask at link
  divisor order flowid police rate burst ceil cburst mtu drop conform-exceed htb hfsc ls ul rt sc m1 m2 d default r2q quantum
  fq fq_codel codel sfq pfifo pfifo_fast bfifo tbf cake noqueue prio netem delay loss duplicate corrupt reorder jitter distribution normal pareto
  limit target interval ecn noecn flows maxrate initial_quantum pacing nopacing perturb latency bandwidth besteffort diffserv3 diffserv4
  triple-isolate dual-srchost dual-dsthost nat nonat wash nowash ack-filter no-ack-filter ingress egress rtt overhead mpu wireguard
  matchall fw flower handle dst_ip src_ip ip_proto dst_port src_port tcp udp mirred redirect dev estimator`.split(
    /\s+/,
  ),
);
/** `1:10`, `ffff:`, `800::`, `10mbit`, `30ms`, `0x000000ff`, `10.8.0.0/24`, `1%`. */
const VALUE =
  /^(?:[0-9a-f]{1,4}:(?:[0-9a-f]{0,4}:?[0-9a-f]{0,4})|:[0-9a-f]{1,4}|[0-9]+(?:\.[0-9]+)?[a-zA-Z%]{0,5}|0x[0-9a-f]{1,8}|[0-9.]{7,15}(?:\/[0-9]{1,2})?|[0-9a-fA-F:]{3,39}(?:\/[0-9]{1,3})?)$/;

/** Whether tc(8) may be given that word: nothing of it names a file or a program. */
export const isTcWord = (text: string): boolean => WORDS.has(text) || VALUE.test(text);

/** tc(8) on the interface itself. */
export const TC: Program = {
  names: ['tc'],
  usage: { usage: '( qdisc | class | filter ) ( add | replace | change | del | delete ) dev <own> <tc-word> *' },
};

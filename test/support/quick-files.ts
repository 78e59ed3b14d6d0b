/** A file of wg-quick(8) as people have them; {key}, {peer} and {psk} stand for keys, {n} for the number of the interface. */
export interface QuickFile {
  readonly what: string;
  readonly text: string;
  /** Whether wg-quick can bring it up here. */
  readonly isUp: boolean;
}

const PEER = '[Peer]\nPublicKey = {peer}\nAllowedIPs = 10.60.{n}.2/32\n';
const file = (what: string, lines: string, { isUp = false, peers = PEER } = {}): QuickFile => ({
  what,
  isUp,
  text: `[Interface]\nPrivateKey = {key}\n${lines}${peers}`,
});

/** What the first object of a host must be able to say, or say that it cannot. */
export const QUICK_FILES: readonly QuickFile[] = [
  file('the least', 'Address = 10.60.{n}.1/24\n', { isUp: true }),
  file('two addresses on one line', 'Address = 10.60.{n}.1/24, 10.61.{n}.1/24\nListenPort = 200{n}\n', { isUp: true }),
  file('addresses on several lines', 'Address = 10.60.{n}.1/24\nAddress = 10.61.{n}.1/24\n', { isUp: true }),
  file('IPv4 and IPv6', 'Address = 10.60.{n}.1/24, fd00:60:{n}::1/64\n', { isUp: true }),
  file('IPv6 in long spelling', 'Address = FD00:0060:000{n}:0000:0000:0000:0000:0001/64\n', { isUp: true }),
  file('an address without its prefix', 'Address = 10.60.{n}.1\n', { isUp: true }),
  file('an MTU', 'Address = 10.60.{n}.1/24\nMTU = 1380\n', { isUp: true }),
  file('no table', 'Address = 10.60.{n}.1/24\nTable = off\n', { isUp: true }),
  file('a table by number', 'Address = 10.60.{n}.1/24\nTable = 20{n}\n', { isUp: true }),
  file('a mark in hexadecimal', 'Address = 10.60.{n}.1/24\nFwMark = 0xca6c\n', { isUp: true }),
  file('no mark', 'Address = 10.60.{n}.1/24\nFwMark = off\n', { isUp: true }),
  file(
    'hooks of iptables',
    'Address = 10.60.{n}.1/24\nPostUp = iptables -w -A FORWARD -i %i -j ACCEPT\nPostDown = iptables -w -D FORWARD -i %i -j ACCEPT\n',
    { isUp: true },
  ),
  file(
    'two hooks and a comment line between',
    'Address = 10.60.{n}.1/24\nPostUp = sysctl -q net.ipv4.ip_forward=1\n# why not\nPostUp = ip rule add to 10.62.{n}.0/24 table 60{n}\nPreDown = ip rule del to 10.62.{n}.0/24 table 60{n}\n',
    { isUp: true },
  ),
  file(
    'a hook that only bash takes',
    'Address = 10.60.{n}.1/24\nPostUp = for i in 1 2; do true $i; done\nPostDown = true\n',
    { isUp: true },
  ),
  file('PreUp and PreDown', 'Address = 10.60.{n}.1/24\nPreUp = true\nPreDown = true\n', { isUp: true }),
  file('SaveConfig', 'Address = 10.60.{n}.1/24\nSaveConfig = true\n', { isUp: true }),
  file('odd letter case', 'aDDress = 10.60.{n}.1/24\nLISTENPORT = 201{n}\nmtu = 1400\n', { isUp: true }),
  file('comments at line ends', 'Address = 10.60.{n}.1/24 # the office\nListenPort = 202{n} # as in the firewall\n', {
    isUp: true,
  }),
  file('no spaces', 'Address=10.60.{n}.1/24\nListenPort=203{n}\n', { isUp: true }),
  file('blanks before and behind', '   Address   =   10.60.{n}.1/24   \n\tMTU\t=\t1390\n', { isUp: true }),
  file('a peer with everything', 'Address = 10.60.{n}.1/24\n', {
    isUp: true,
    peers:
      '[Peer]\nPublicKey = {peer}\nPresharedKey = {psk}\nEndpoint = 192.0.2.{n}:51820\nAllowedIPs = 10.60.{n}.2/32, fd00:60:{n}::2/128\nPersistentKeepalive = 25\n',
  }),
  file('no peer', 'Address = 10.60.{n}.1/24\n', { isUp: true, peers: '' }),
  file('line ends of Windows', 'Address = 10.60.{n}.1/24\r\nMTU = 1390\r\n'),
  file('a byte order mark of an editor', 'Address = 10.60.{n}.1/24\n'),
  file('DNS and a search domain', 'Address = 10.60.{n}.1/24\nDNS = 10.60.{n}.53, corp.example\n'),
  file('the same key twice', 'Address = 10.60.{n}.1/24\nMTU = 1390\nMTU = 1380\n'),
  file('everything through the tunnel', 'Address = 10.60.{n}.1/24\n', {
    peers: '[Peer]\nPublicKey = {peer}\nAllowedIPs = 0.0.0.0/0, ::/0\n',
  }),
  file('a table by name', 'Address = 10.60.{n}.1/24\nTable = vpn\n'),
  file('an address that is none', 'Address = 10.60.{n}.300/24\n'),
  file('a port that is none', 'Address = 10.60.{n}.1/24\nListenPort = 99999\n'),
  file('keys that nobody knows', 'Address = 10.60.{n}.1/24\nJc = 4\nDescription = office\n'),
  file('an MTU that is too small', 'Address = 10.60.{n}.1/24\nMTU = 20\n'),
];

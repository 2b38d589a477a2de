// What a router between a lane's browser and the Internet does with UDP: which mapping and which filtering (RFC 4787 4.1, 5).
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { ADDRESS } from './netns.mjs';

// At the browser's end: sends to the ports it is told, and tells what it hears.
const INSIDE = `
    const socket = require('dgram').createSocket('udp4');
    socket.on('message', (data) => console.log(String(data)));
    socket.bind(0, () => process.stdin.on('data', (line) => {
        for (const to of String(line).trim().split(' ')) socket.send('?', Number(to.split(':')[1]), to.split(':')[0]);
    }));`;

// [ports that three peers see, who of them is heard by who asked the first alone]. other: a second address of the Internet's.
export async function probe(lane, other) {
    const peers = [ADDRESS, ADDRESS, other].map((address) => Object.assign(dgram.createSocket('udp4'), { at: address }));
    const [program, ...args] = lane.space.nsenter;
    const inside = spawn(program, [...args, process.execPath, '-e', INSIDE], { stdio: ['pipe', 'pipe', 'inherit'] });
    const heard = [];
    const asked = async (...which) => {
        const seen = which.map((peer) => once(peer, 'message'));
        inside.stdin.write(`${which.map((peer) => `${peer.at}:${peer.address().port}`).join(' ')}\n`);
        return (await Promise.all(seen)).map(([, from]) => from);
    };

    try {
        for (const peer of peers) await new Promise((resolve) => peer.bind(0, peer.at, resolve));
        const [from] = await asked(peers[0]);
        for (const n of [2, 1, 0]) peers[n].send(`${n}`, from.port, from.address); // the one that is let in last: what was before it has come too
        while (heard.at(-1) !== '0') heard.push(...String((await once(inside.stdout, 'data'))[0]).trim().split('\n'));
        const rest = await asked(peers[1], peers[2]);
        return [[from, ...rest].map(({ port }) => port), heard.sort()];
    } finally {
        inside.stdin.destroy();
        inside.kill();
        for (const peer of peers) peer.close();
    }
}

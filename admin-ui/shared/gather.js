// Asks a browser for the addresses that it finds by some servers, without a call.

// Each candidate and each error goes to on({ candidate, error, ms }) as it comes; on() returns true when it has what it wanted. Resolves to
// what on() returned then, false when the browser has no more, null when it still gathers after ms.
export async function gather(config, ms, on) {
    const pc = new RTCPeerConnection(config);
    const since = performance.now();
    let timer;

    try {
        const ended = new Promise((resolve) => {
            const tell = (what) => {
                const wanted = on({ candidate: null, error: null, ms: performance.now() - since, ...what });
                if (wanted) resolve(wanted);
            };
            pc.addEventListener('icecandidate', ({ candidate }) => {
                if (candidate?.candidate || candidate?.type) tell({ candidate });
                else if (!candidate) resolve(false);
            });
            pc.addEventListener('icecandidateerror', (error) => tell({ error }));
            timer = setTimeout(resolve, ms, null);
        });
        pc.createDataChannel('');
        await pc.setLocalDescription();
        return await ended;
    } finally {
        clearTimeout(timer);
        pc.close();
    }
}

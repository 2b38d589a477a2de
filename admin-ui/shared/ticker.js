// Timers that also run while the tab is hidden. Resolution 250 ms.
export function createTicker(url) {
    const timers = new Set();

    function tick() {
        const now = performance.now();
        for (const timer of [...timers]) {
            if (now < timer.due) continue;
            if (timer.every) timer.due = Math.max(timer.due + timer.every, now);
            else timers.delete(timer);
            timer.run();
        }
    }

    function start(timer) {
        timers.add(timer);
        return () => timers.delete(timer);
    }

    function fallback() {
        setInterval(tick, 250);
    }

    try {
        const worker = new Worker(url);
        worker.onmessage = tick;
        worker.onerror = fallback;
    } catch {
        fallback();
    }

    return {
        every: (ms, run) => start({ every: ms, due: performance.now() + ms, run }),
        after: (ms, run) => start({ every: 0, due: performance.now() + ms, run }),
    };
}

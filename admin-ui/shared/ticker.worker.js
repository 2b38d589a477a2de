// A clock in a worker: browsers slow the timers of hidden pages down to one a minute, a worker's not.
setInterval(() => postMessage(0), 250);

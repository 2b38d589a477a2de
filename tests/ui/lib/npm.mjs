// The npm packages of the tests live with the pages, in admin-ui/node_modules. playwright-core stays at 1.61, the last one for Node 18,
// which is Debian 12's.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../../admin-ui/package.json', import.meta.url));

export const { chromium, firefox } = require('playwright-core');
export const { WebSocket, WebSocketServer } = require('ws');

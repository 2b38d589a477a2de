// The console begins: words first, then who is signed in.
import { render } from 'preact';
import { App } from './app';
import { session } from './core/api';
import { startLive } from './core/live';
import { startRouter } from './core/router';
import { whoAmI } from './core/session';
import { speakAtFirst } from './core/words';
import { startKeys } from './parts/keys';

const [, who] = await Promise.all([speakAtFirst(), whoAmI().catch(() => null)]);

session.value = who;
startRouter();
startKeys();
startLive();
render(<App />, document.getElementById('app')!);

// The one table of places and views, from which the router, the rail, the keys (`g` and a letter) and the phone's bar are made. A place is a folder; it
// exports its row (agents/index.ts: `export const agents: Place = {…}`) and is added here, in the order of the rail. Its words are words/en/agents.json and
// words/de/agents.json (core/words.ts), its styles agents/agents.css (imported by app.css), its test tests/ui/console-agents.test.mjs. All of it is one script: files
// apart are a fifth larger together (build.mjs).
import type { ComponentType } from 'preact';
import type { Role } from './core/types';
import type { IconName } from './parts/icon';
import { agents } from './agents';
import { calls } from './calls';
import { network } from './network';
import { overview } from './overview';
import { people } from './people';
import { settings } from './settings';
import { trunks } from './trunks';

export interface View {
    path: string; // "/admin/agents/:dn"
    view: ComponentType<Record<string, string>>; // gets the path's parts; filters and the like are in `query`
    bare?: boolean; // fills the window: no rail
}

export interface Place {
    name: string; // its word is shell.place_NAME
    path: string;
    letter: string; // g, then this
    icon: IconName;
    role?: Role; // whoever has less does not see it
    views: View[];
}

export const places: Place[] = [overview, calls, agents, trunks, network, settings, people];

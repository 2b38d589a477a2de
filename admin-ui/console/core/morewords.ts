// The English words that the Overview does not need.
import agents from '../words/en/agents.json';
import calls from '../words/en/calls.json';
import firstrun from '../words/en/firstrun.json';
import network from '../words/en/network.json';
import people from '../words/en/people.json';
import settings from '../words/en/settings.json';
import trunks from '../words/en/trunks.json';

export default {
    agents,
    calls,
    firstrun,
    network,
    people,
    settings,
    trunks,
};

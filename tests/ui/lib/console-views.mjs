// Every page and dialog of the console by its address: what pictures are taken of, and what nobody must be kept out of. `of`: the kinds of box that it is
// worth looking at beside the usual one. `open`: what to do when the page is there. `desk`: not
// on a phone.
const EMPTY = ['empty'];
const ALL = ['empty', 'full', 'broken'];

export const views = {
    'sign-in': { path: '/admin/', out: true },
    overview: { path: '/admin/', of: ALL },
    wallboard: { path: '/admin/wall', of: ALL },
    calls: { path: '/admin/calls', of: ALL },
    'calls, filters': { path: '/admin/calls?result=answered&time=range' },
    'calls, hang up': { path: '/admin/calls', desk: true, open: (page) => page.getByRole('button', { name: /^Hang up/ }).first().click() },
    'calls, watch list': { path: '/admin/calls?watch=1', of: EMPTY },
    'call, good': { path: '/admin/calls/good?event=14' },
    'call, one way': { path: '/admin/calls/oneway' },
    'call, bad network': { path: '/admin/calls/jitter?event=0' },
    'call, refused': { path: '/admin/calls/refused?event=3' },
    'call, hostile': { path: '/admin/calls/hostile?event=0' },
    'call, no trace': { path: '/admin/calls/r0000020' },
    'call, running': { path: '/admin/calls/live0' },
    agents: { path: '/admin/agents', of: ALL },
    'agents, add': { path: '/admin/agents?do=add' },
    'agents, range': { path: '/admin/agents?do=range' },
    'agents, import': { path: '/admin/agents?do=import' },
    'agents, compare': { path: '/admin/agents?do=compare' },
    agent: { path: '/admin/agents/5001' },
    trunks: { path: '/admin/trunks', of: ALL },
    trunk: { path: '/admin/trunks/genesys', of: ['broken'] },
    network: { path: '/admin/network', of: ALL },
    settings: { path: '/admin/settings', of: EMPTY },
    'settings, edit': { path: '/admin/settings?edit=public.address' },
    'settings, history': { path: '/admin/settings/history', of: EMPTY },
    users: { path: '/admin/people', of: EMPTY },
    me: { path: '/admin/people/me' },
    sessions: { path: '/admin/people/sessions' },
    keys: { path: '/admin/people/keys', of: EMPTY },
    audit: { path: '/admin/people/audit', of: ALL },
    backup: { path: '/admin/people/backup', of: EMPTY },
    alerts: { path: '/admin/people/alerts', of: EMPTY },
    bans: { path: '/admin/people/bans', of: EMPTY },
    about: { path: '/admin/people/about' },
    'not found': { path: '/admin/nowhere' },
};

// The page as it is when all that it asked for has come.
export async function show(box, browser, { path, out, open }, options = {}) {
    box.signedOut = !!out;
    const page = await box.signedIn(browser, { path, ...options });
    page.setDefaultTimeout(15000);
    await page.locator('h1, form').first().waitFor();
    await page.waitForLoadState('networkidle');
    await open?.(page);
    return page;
}

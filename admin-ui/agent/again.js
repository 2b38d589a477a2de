// A call that ran while the page was loaded anew: the gateway calls it once more (appliance/call/callrebind.h). Pure.

// Of X-Dngate-Rebind; null: it is a new call.
/** @param {string | undefined} header */
export function againOf(header) {
    const [first, ...rest] = (header ?? '').split(';').map((part) => part.trim());
    const params = new Map(rest.map((part) => /** @type {[string, string]} */ (part.split('=', 2))));

    if (first !== 'yes') return null;
    return { seconds: Number.parseInt(params.get('answered') ?? '', 10) || 0, outgoing: params.get('direction') === 'out', held: params.has('held') };
}

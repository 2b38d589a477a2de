// What this page hears of a call, told to the gateway each 10 s (appliance/call/report.h): an administrator sees it beside the gateway's own
// figures. Pure.
import { mos, rating } from '../shared/emodel.js';

export const REPORT_TYPE = 'application/vnd.dngate.report+json';
const READINGS = 5; // of one report

const rounded = (n, digits) => Number(n.toFixed(digits));

export class Report {
    #readings = [];

    // Takes a reading; the report's text when it is time for one, else null.
    add({ bars, heard = 0, far = 0, jitter, rtt, codec }) {
        if (bars < 0) return null; // nothing has been heard yet
        this.#readings.push(heard);
        if (this.#readings.length < READINGS) return null;
        const loss = this.#readings.reduce((sum, n) => sum + n, 0) / this.#readings.length;

        this.#readings = [];
        return JSON.stringify({
            mos: rounded(mos(rating({ loss, jitter, rtt }, codec)), 2),
            loss: rounded(loss * 100, 2),
            jitter: rounded(jitter, 1),
            rtt: rounded(rtt, 1),
            far: rounded(far * 100, 2),
        });
    }
}

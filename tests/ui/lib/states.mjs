// Every state that the agent's page can be in, and how it gets there: for the checks that must hold in all of them, and for pictures.
import { AgentPage } from '../../e2e/lib/page.mjs';

const LONG = 'Dr. Wilhelmina-Charlotte von Hohenstauffen-Oberlangenfeld, Abteilung für Angelegenheiten der Kundschaft und Umgebung';

// The microphone goes away: for good (no other one can be opened), or until microphoneBack().
export const microphoneGone = (page, name = 'NotFoundError') =>
    page.evaluate((error) => {
        const { mediaDevices } = navigator;
        const [track] = window.dngate.localStream.getAudioTracks();

        window.openMicrophone ??= mediaDevices.getUserMedia.bind(mediaDevices);
        mediaDevices.getUserMedia = () => Promise.reject(new DOMException('gone', error));
        track.stop();
        track.dispatchEvent(new Event('ended'));
    }, name);

export const microphoneBack = (page) =>
    page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = window.openMicrophone;
        navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    });

export class Scene {
    constructor(page, gateway) {
        this.page = page;
        this.gateway = gateway;
        this.agent = new AgentPage(page, '5001');
    }

    async saying(words) {
        await this.page.locator('#message', { hasText: words }).first().waitFor();
    }

    async pill(words) {
        await this.page.locator('#registration', { hasText: words }).waitFor();
    }

    async signedIn() {
        await this.agent.signIn();
        await this.page.locator('#start-shift').waitFor();
    }

    async ready() {
        await this.agent.startShift();
    }

    async rung(options) {
        const id = this.gateway.ring(options);
        await this.agent.call('incoming');
        return id;
    }

    async connected(options) {
        const id = await this.rung(options);
        await this.page.click('#answer');
        await this.agent.call('connected');
        return id;
    }

    async waiting() {
        await this.connected();
        this.gateway.ring({ name: 'Grace Hopper', number: '4712' });
        await this.page.locator('#waiting').waitFor();
    }

    // Somebody called and hung up.
    async missed(options) {
        this.gateway.cancel(await this.rung(options));
        await this.agent.outcome('Missed call');
    }
}

// Steps from the page as it is loaded; the gateway is set back by whoever runs them.
export const states = {
    'signed out': async () => {},
    'wrong password': async (s) => {
        await s.page.fill('#dn', '5001');
        await s.page.fill('#password', 'wrong');
        await s.page.click('#sign-in');
        await s.saying('Wrong DN or password');
    },
    'off shift': (s) => s.signedIn(),
    'microphone refused': async (s) => {
        await s.page.evaluate(() => {
            navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
        });
        await s.signedIn();
        await s.page.click('#start-shift');
        await s.saying('The microphone is blocked');
    },
    ready: (s) => s.ready(),
    'ready, by a long name': async (s) => {
        s.gateway.displayName = LONG.replaceAll(/[ -]/g, '');
        await s.ready();
    },
    'off shift, by a long name': async (s) => {
        s.gateway.displayName = LONG.replaceAll(/[ -]/g, '');
        await s.signedIn();
    },
    'number typed': async (s) => {
        await s.ready();
        await s.page.fill('#dial-number', 'tel:+49-(30) 123;ext=7');
    },
    'number refused': async (s) => {
        await s.ready();
        await s.page.fill('#dial-number', '600é');
    },
    ringing: async (s) => {
        await s.ready();
        await s.rung();
    },
    'ringing, everything long': async (s) => {
        await s.ready();
        await s.rung({ name: LONG, number: '+4930901820945678', headers: [['P-Called-Party-ID', '<sip:+498001234567890@gw.invalid>']] });
    },
    'number withheld': async (s) => {
        await s.ready();
        await s.rung({ name: 'Anonymous', number: 'anonymous' });
    },
    calling: async (s) => {
        await s.ready();
        await s.agent.dial('604');
        await s.agent.call('ringing');
    },
    connected: async (s) => {
        await s.ready();
        await s.connected({ headers: [['P-Called-Party-ID', '<sip:08001234567@gw.invalid>']] });
        await s.page.locator('#quality-word', { hasText: 'No audio yet' }).waitFor();
    },
    'connected, muted, digits sent': async (s) => {
        await s.ready();
        await s.connected();
        await s.page.click('#mute');
        for (const digit of '12*#') await s.page.click(`[data-digit="${digit}"]`);
    },
    'on hold': async (s) => {
        await s.ready();
        await s.connected();
        await s.page.click('#hold');
        await s.page.locator('#call-state', { hasText: 'On hold' }).waitFor();
    },
    'number to transfer to': async (s) => {
        await s.ready();
        await s.connected();
        await s.page.keyboard.press('t');
        await s.page.fill('#dial-number', '4712');
    },
    'asking before a transfer': async (s) => {
        await s.ready();
        await s.connected({ name: LONG });
        await s.page.keyboard.press('c');
        await s.page.fill('#dial-number', '4712');
        await s.page.keyboard.press('Enter');
        await s.page.locator('#other').waitFor();
        await s.agent.call('connected');
    },
    'second call': async (s) => {
        await s.ready();
        await s.waiting();
    },
    'second call while the first rings': async (s) => {
        await s.ready();
        await s.rung();
        s.gateway.ring({ name: LONG, number: '4712' });
        await s.page.locator('#waiting').waitFor();
    },
    'asked before the end of the shift': async (s) => {
        await s.ready();
        await s.connected();
        await s.page.click('#end-shift');
        await s.page.locator('#ask').waitFor();
    },
    ended: async (s) => {
        await s.ready();
        await s.agent.dial('603');
        await s.agent.outcome('Busy');
    },
    'missed calls': async (s) => {
        await s.ready();
        await s.missed();
        await s.missed({ name: 'Anonymous', number: 'anonymous' });
        await s.missed({ name: LONG, number: '+4930901820945678', headers: [['P-Called-Party-ID', '<sip:+498001234567890@gw.invalid>']] });
        await s.agent.call('idle');
    },
    'missed calls, more than fit, all withheld': async (s) => {
        await s.ready();
        await s.page.evaluate(() => {
            const missed = { at: Date.now(), name: '', number: '', withheld: true, called: '' };
            sessionStorage.setItem('dngate.missed', JSON.stringify(Array(30).fill(missed)));
        });
        await s.page.reload();
        await s.pill('Ready');
    },
    offline: async (s) => {
        await s.ready();
        s.gateway.refuseSockets = true;
        s.gateway.socket.terminate();
        await s.pill('Offline');
        await s.saying('Reconnecting');
    },
    draining: async (s) => {
        await s.ready();
        s.gateway.message('{"drain":{"seconds":240}}');
        await s.pill('Draining');
    },
    'no microphone': async (s) => {
        await s.ready();
        await microphoneGone(s.page);
        await s.pill('No microphone');
    },
    'no microphone in a call, and draining': async (s) => {
        await s.ready();
        await s.waiting();
        s.gateway.message('{"drain":{"seconds":240}}');
        await s.saying('4 minutes');
        await microphoneGone(s.page);
        await s.pill('No microphone');
    },
    'signed in elsewhere': async (s) => {
        await s.ready();
        s.gateway.socket.close(4001, 'signed in elsewhere');
        await s.pill('Signed in elsewhere');
    },
    'in a call elsewhere': async (s) => {
        s.gateway.elsewhere = 'in-call';
        await s.signedIn();
        await s.page.click('#start-shift');
        await s.page.locator('#take-over').waitFor();
        await s.saying('DN 5001 is in a call elsewhere');
    },
    'taken over in a call': async (s) => {
        await s.ready();
        await s.connected();
        s.gateway.message('{"elsewhere":true}');
        await s.pill('Signed in elsewhere');
    },
};

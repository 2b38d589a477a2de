// What all pages say of the sign-in, microphone, speaker and browser.
export class Trouble extends Error {}

export const words = {
    wrongPassword: 'Wrong DN or password.',
    tooManyAttempts: (seconds) =>
        `Too many attempts from this computer. Wait ${seconds > 0 ? `${seconds} seconds` : 'a few minutes'}, then try again.`,
    offline: 'This computer is offline. Check the network cable or Wi-Fi.',
    unreachable:
        'The gateway cannot be reached, or its certificate is not trusted. Reload this page; if the browser shows a certificate warning, tell your administrator.',
    insecure: 'The browser allows the microphone on HTTPS pages only. Open this page with https://.',
    noWebrtc: 'This browser cannot make calls. Use a current Chrome, Edge, Firefox or Safari.',
    closed: 'The microphone was switched off meanwhile.',
    microphoneDenied: (then) => `The microphone is blocked for this page. Click the icon beside the address and allow the microphone${then}`,
    microphoneMissing: (then) => `No microphone found. Plug in your headset${then}`,
    microphoneBusy: (then) =>
        `The microphone is in use by another program or does not work. Close the other program or plug the headset in again${then}`,
    microphoneError: (why, then) => `The microphone cannot be opened (${why}). Plug your headset in again${then}`,
    microphoneOther: (label) => `Your microphone is not plugged in; ${label ? `“${label}”` : 'another one'} is in use until it is back.`,
    microphoneSilent: 'The microphone gives no sound: it is switched off at the headset or in the system.',
    speakerFailed: 'This speaker cannot be used; choose another one.',
    speakerOther: 'Your speaker is not plugged in; the standard one is in use until it is back.',
};

// Why getUserMedia failed. then: the end of the sentence, what to do or what happens after that.
export function microphoneWords(error, then) {
    switch (error?.name) {
        case 'NotAllowedError':
        case 'SecurityError':
            return words.microphoneDenied(then);
        case 'NotFoundError':
        case 'OverconstrainedError':
            return words.microphoneMissing(then);
        case 'NotReadableError':
        case 'AbortError':
            return words.microphoneBusy(then);
        default:
            return words.microphoneError(error?.message || error, then);
    }
}

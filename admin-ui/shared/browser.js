// Which browser and system this is, in words of an administrator: pure.
const BROWSERS = [
    ['Edge', /\bEdg(?:A|iOS)?\/(\d+)/],
    ['Opera', /\bOPR\/(\d+)/],
    ['Samsung Internet', /\bSamsungBrowser\/(\d+)/],
    ['Firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
    ['Chrome', /(?:\b|Headless)(?:Chrome|CriOS)\/(\d+)/],
    ['Safari', /\bVersion\/(\d+(?:\.\d+)?).* Safari\//],
];
const SYSTEMS = [
    ['Android', /\bAndroid(?: (\d+))?/],
    ['iOS', /\b(?:iPhone|iPad).* OS (\d+)/],
    ['Windows', /\bWindows\b/],
    ['macOS', /\bMacintosh\b/],
    ['ChromeOS', /\bCrOS\b/],
    ['Linux', /\bLinux\b/],
];

function first(list, text) {
    for (const [name, pattern] of list) {
        const found = pattern.exec(text);
        if (found) return [name, found[1]].filter(Boolean).join(' ');
    }
    return '';
}

// brands: names of navigator.userAgentData's, where there is one; they tell Chromium from Chrome.
/** @param {string} userAgent @param {string[]} brands */
export function browserOf(userAgent, brands = []) {
    const name = first(BROWSERS, userAgent) || 'unknown';

    return brands.includes('Chromium') && !brands.includes('Google Chrome') ? name.replace(/^Chrome\b/, 'Chromium') : name;
}

// That of this page.
export const browserHere = () =>
    browserOf(navigator.userAgent, /** @type {any} */ (navigator).userAgentData?.brands.map(({ brand }) => brand));

export const systemOf = (userAgent) => first(SYSTEMS, userAgent) || 'unknown';

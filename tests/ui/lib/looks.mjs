// Windows and letters in which the page must be whole, whatever fonts a computer has: letters, words and lines as far apart as WCAG 1.4.12 says,
// which is wider than any font's; text twice as large (1.4.4); a page zoomed to 400 % (1.4.10).
const SPACED = '* { letter-spacing: 0.12em !important; word-spacing: 0.16em !important; line-height: 1.5 !important; }';

export const looks = {
    narrow: { width: 360, height: 740 },
    'narrow, forced colours': { width: 360, height: 740, forcedColors: 'active' },
    'narrow, spaced letters': { width: 360, height: 740, style: SPACED },
    'zoomed to 400 %': { width: 320, height: 256 },
    'spaced letters': { width: 1280, height: 800, style: SPACED },
    'text twice as large': { width: 1280, height: 800, style: ':root { font-size: 200% !important; }' },
};

export async function setLook(page, { width, height, style = '', forcedColors = 'none' }) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ forcedColors });
    await page.evaluate((css) => {
        const sheet = new CSSStyleSheet(); // the content security policy forbids a <style>
        sheet.replaceSync(css);
        document.adoptedStyleSheets = [sheet];
    }, style);
}

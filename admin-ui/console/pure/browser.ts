// "Chrome 128, Windows" of a User-Agent; the text itself when it is no browser's: pure.
const browsers: [RegExp, string][] = [
    [/\bEdg(?:e|A|iOS)?\/(\d+)/, 'Edge'],
    [/\bOPR\/(\d+)/, 'Opera'],
    [/\b(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
    [/\b(?:Headless)?(?:Chrome|CriOS)\/(\d+)/, 'Chrome'],
    [/\bVersion\/(\d+)[^ ]* (?:Mobile\/\S+ )?Safari/, 'Safari'],
];
const systems: [RegExp, string][] = [
    [/Windows/, 'Windows'],
    [/Android/, 'Android'],
    [/iPhone|iPad/, 'iOS'],
    [/Mac OS X/, 'macOS'],
    [/CrOS/, 'ChromeOS'],
    [/Linux/, 'Linux'],
];

export function browserOf(agent: string): string {
    for (const [test, name] of browsers) {
        const found = test.exec(agent);
        const system = systems.find(([t]) => t.test(agent))?.[1];
        if (found) return `${name} ${found[1]}${system ? `, ${system}` : ''}`;
    }
    return agent.length > 60 ? `${agent.slice(0, 59)}…` : agent;
}

// The views of a place, side by side: links, so that each is an address. What is at the place's own address is the first of those that one may see.
import { here } from '../core/router';

export function Tabs({ label, of }: { label: string; of: [href: string, text: string][] }) {
    const path = here.value.path.replace(/\/$/, '');
    const at = of.some(([href]) => href === path) ? path : of[0]![0];

    return (
        <nav class="tabs" aria-label={label}>
            {of.map(([href, text]) => (
                <a key={href} href={href} aria-current={href === at ? 'page' : undefined}>
                    {text}
                </a>
            ))}
        </nav>
    );
}

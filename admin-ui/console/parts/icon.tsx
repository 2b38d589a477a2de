// Small drawings, one stroke wide, in the colour of the text around them. They say nothing that words beside them do not say.
const paths = {
    overview: 'M3 12l9-8 9 8M6 10v10h12V10',
    calls: 'M6.6 10.8a15 15 0 0 0 6.6 6.6l2.2-2.2a1 1 0 0 1 1-.25 11 11 0 0 0 3.6.6 1 1 0 0 1 1 1V20a1 1 0 0 1-1 1A17 17 0 0 1 3 4a1 1 0 0 1 1-1h3.5a1 1 0 0 1 1 1c0 1.2.2 2.4.6 3.6a1 1 0 0 1-.25 1z',
    agents: 'M4 13v-1a8 8 0 0 1 16 0v1M4 13h3v6H5a1 1 0 0 1-1-1zM20 13h-3v6h2a1 1 0 0 0 1-1zM19 19c0 1.5-2 2.5-5 2.5',
    trunks: 'M4 7h13M13 3l4 4-4 4M20 17H7M11 13l-4 4 4 4',
    network: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M3 12h18M12 3c3 3 3.5 6 3.5 9s-.5 6-3.5 9c-3-3-3.5-6-3.5-9s.5-6 3.5-9',
    settings: 'M4 7h10M18 7h2M14 4.500v5M4 17h4M12 17h8M8 14.500v5',
    people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 4.500a3.5 3.5 0 0 1 0 6M18 14.500c2 .8 3.2 2.7 3.5 5.5',
    more: 'M5 12h.01M12 12h.01M19 12h.01',
    search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5',
    close: 'M6 6l12 12M18 6L6 18',
    copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
    check: 'M5 12.500l4.5 4.500L19 7.5',
    warn: 'M12 3.500L2.5 20h19zM12 10v4.500M12 17.500v.01',
    bad: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.5 8.500l7 7M15.5 8.500l-7 7',
    info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5.500M12 7.500v.01',
    up: 'M6 14l6-6 6 6',
    down: 'M6 10l6 6 6-6',
    right: 'M9 5l7 7-7 7',
    left: 'M15 5l-7 7 7 7',
    plus: 'M12 5v14M5 12h14',
    columns: 'M4 5h16v14H4zM10 5v14M15 5v14',
    download: 'M12 4v11M7 10.500l5 5 5-5M4 20h16',
    screen: 'M3 5h18v12H3zM9 21h6M12 17v4',
    user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20.500c.8-4 3.6-6 7.5-6s6.7 2 7.5 6',
    edit: 'M4 20l1-4L16 5l3 3L8 19zM13.5 7.500l3 3',
    trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
    refresh: 'M20 11a8 8 0 1 0-2.3 6.300M20 4v7h-7',
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name }: { name: IconName }) => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" data-name={name}>
        <path d={paths[name]} />
    </svg>
);

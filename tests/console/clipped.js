() => {
    const bad = [];
    const visible = (n) => n.checkVisibility({opacityProperty: true, visibilityProperty: true});
    const scrolls = (n) => n.closest('.steps, .cards, .list, .engineer, .sheet, .plot, .events, .said');
    for (const node of document.querySelectorAll('body *')) {
        if (!visible(node) || scrolls(node) || node.closest('svg') || node.id === 'blind' || node.closest('#blind, .unseen')) continue;
        const box = node.getBoundingClientRect();
        if (box.width === 0) continue;
        const name = node.tagName + '.' + node.className + ': ' + node.textContent.slice(0, 40);
        if (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1) bad.push('outside ' + name);
        const text = [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
        if (text && (node.scrollWidth > node.clientWidth + 2) && getComputedStyle(node).display !== 'inline' && !node.matches('.number')) bad.push('clipped ' + name);
        if (text) {
            const range = document.createRange();
            range.selectNodeContents(node);
            const words = range.getBoundingClientRect();
            const frame = node.closest('.panel, .press, .stop, .alarm .bar, .top, .foot, .stepper');
            const edge = frame && frame.getBoundingClientRect();
            if (edge && (words.right > edge.right + 1 || words.bottom > edge.bottom + 1 || words.left < edge.left - 1)) bad.push('over the edge ' + name);
        }
    }
    const panels = [...document.querySelectorAll('.view:not([hidden]) .panel, .acts > *, .top, .alarm > *')].filter(visible).filter((n) => !scrolls(n));
    panels.forEach((a, i) => panels.slice(i + 1).forEach((b) => {
        if (a.contains(b) || b.contains(a)) return;
        const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
        if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1) bad.push('overlap ' + a.className + ' / ' + b.className);
    }));
    return bad;
}

() => {
    const bad = [];
    const visible = (n) => n.checkVisibility({opacityProperty: true, visibilityProperty: true});
    // What scrolls may be longer than its place, never wider. What ends in … by design stands whole elsewhere.
    const scroller = (n) => n.closest('.steps, .cards, .list, .engineer, .sheet, .rows, .waits');
    const shortened = (n) => n.closest('.plot, .events, .said, #patient');
    // Which of what lies around it cuts off some of its box; what a person can scroll to is not cut off.
    const cutFrom = (node) => {
        const box = node.getBoundingClientRect();
        for (let around = node.parentElement; around && around !== document.body; around = around.parentElement) {
            const style = getComputedStyle(around);
            if ([style.overflowX, style.overflowY].some((way) => ['auto', 'scroll'].includes(way))) return null;
            const place = around.getBoundingClientRect();
            const cuts = (way) => ['hidden', 'clip'].includes(way);
            if (cuts(style.overflowY) && (box.bottom > place.bottom + 1 || box.top < place.top - 1)) return around;
            if (cuts(style.overflowX) && (box.right > place.right + 1 || box.left < place.left - 1)) return around;
        }
        return null;
    };
    for (const node of document.querySelectorAll('body *')) {
        if (!visible(node) || shortened(node) || node.closest('svg') || node.closest('#blind, .unseen')) continue;
        const box = node.getBoundingClientRect();
        if (box.width === 0) continue;
        const name = node.tagName + '.' + node.className + ': ' + node.textContent.slice(0, 40);
        const inside = node.parentElement && scroller(node.parentElement);
        const place = inside ? inside.getBoundingClientRect() : {left: 0, top: 0, right: innerWidth, bottom: innerHeight};
        if (box.left < place.left - 1 || box.right > place.right + 1) bad.push('outside at the side ' + name);
        if (!inside && (box.top < -1 || box.bottom > innerHeight + 1)) bad.push('outside ' + name);
        if (scroller(node) === node && node.scrollWidth > node.clientWidth + 1) bad.push('scrolls to the side ' + name);
        const from = cutFrom(node);
        if (from) bad.push(`cut off by ${from.className} ` + name);
        const text = [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
        if (text && (node.scrollWidth > node.clientWidth + 2) && getComputedStyle(node).display !== 'inline' && !node.matches('.number')) bad.push('clipped ' + name);
        if (text) {
            const range = document.createRange();
            range.selectNodeContents(node);
            const words = range.getBoundingClientRect();
            let cutter = node;
            while (cutter && !['clip', 'hidden'].includes(getComputedStyle(cutter).overflowX)) cutter = cutter.parentElement;
            const cut = cutter && cutter !== document.body && cutter !== document.documentElement && cutter.getBoundingClientRect();
            if (cut && (words.right > cut.right + 2 || words.left < cut.left - 2)) bad.push('cut ' + name);
            const frame = node.closest('.panel, .press, .stop, .alarm .bar, .alarm .side button, .top, .foot, .stepper, .sheet, .alarm-list');
            const edge = frame && frame.getBoundingClientRect();
            const below = edge && scroller(node) !== node && scroller(frame) !== frame && !(inside && frame.contains(inside));
            if (edge && (words.right > edge.right + 1 || words.left < edge.left - 1 || (below && words.bottom > edge.bottom + 1))) bad.push('over the edge ' + name);
        }
    }
    const panels = [...document.querySelectorAll('.view:not([hidden]) .panel, .acts > *, .top, .top button, .top .badge, .top h1, #patient, .tools > *, .alarm > *')].filter(visible).filter((n) => !scroller(n));
    panels.forEach((a, i) => panels.slice(i + 1).forEach((b) => {
        if (a.contains(b) || b.contains(a)) return;
        const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
        if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1) bad.push('overlap ' + [a, b].map((n) => n.id || n.className || n.textContent).join(' / '));
    }));
    return bad;
}

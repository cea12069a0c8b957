() => {
            const light = (hex) => {
                const parts = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
                const [r, g, b] = parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort(); return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
            const result = {};
            for (const theme of ['light', 'dark']) {
                document.documentElement.dataset.theme = theme;
                const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
                for (const [ink, ground] of [['--ink', '--panel'], ['--ink', '--bg'], ['--soft', '--panel'], ['--soft', '--bg'], ['--off', '--panel'], ['--off', '--bg'], ['--soft', '--press'], ['--accent', '--bg'], ['--accent', '--press'], ['--accent-ink', '--accent'], ['--accent', '--panel'], ['--ink', '--press'], ['--high-ink', '--high'], ['--medium-ink', '--medium'], ['--low-ink', '--low']])
                    result[`${theme} ${ink} on ${ground}`] = ratio(css(ink), css(ground));
            }
            return result;
        }

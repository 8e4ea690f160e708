// Opens an HTML file as people do, and prints what it finds as JSON.
//   node page.mjs PACKAGES FILE WIDTHS [FOLDER]
// PACKAGES is the node_modules with playwright-core and axe-core, WIDTHS are pixels with commas between them; screenshots and the
// PDF go into FOLDER.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [packages, file, widths, folder] = process.argv.slice(2);
const load = createRequire(join(resolve(packages), 'any.js'));
const { chromium } = load('playwright-core');
const axe = readFileSync(load.resolve('axe-core/axe.min.js'), 'utf8');
const url = pathToFileURL(resolve(file)).href;

// Chromium refuses its own sandbox to root.
const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args });
const found = { views: [], problems: [] };
try {
  for (const width of widths.split(',').map(Number)) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' });
      page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) found.problems.push(message.text()); });
      page.on('pageerror', (error) => found.problems.push(String(error)));
      page.on('dialog', async (dialog) => { found.problems.push(`dialog: ${dialog.message()}`); await dialog.dismiss(); });
      page.on('request', (request) => { if (request.url() !== url) found.problems.push(`request: ${request.url()}`); });
      await page.goto(url);
      found.title = await page.title();
      found.verdict = await page.locator('#verdict').textContent({ timeout: 1000 }).catch(() => null);
      found.text = await page.locator('body').innerText();
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (folder) await page.screenshot({ path: join(folder, `${width}-${colorScheme}.png`), fullPage: true });
      // What is folded away is checked as well.
      await page.evaluate(() => document.querySelectorAll('details').forEach((details) => { details.open = true; }));
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
      const named = violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.failureSummary}`).join(' | ')}`);
      found.views.push({ width, colorScheme, overflow, violations: named });
      if (found.pages === undefined) {
        await page.evaluate(() => document.querySelectorAll('details').forEach((details) => { details.open = false; }));
        const pdf = await page.pdf({ format: 'A4', printBackground: true, preferCSSPageSize: true });
        if (folder) writeFileSync(join(folder, 'page.pdf'), pdf);
        found.pages = pdf.toString('latin1').match(/\/Type\s*\/Page[^s]/g)?.length ?? 0;
      }
      await page.close();
    }
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));

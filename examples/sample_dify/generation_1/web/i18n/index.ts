// Which languages there are, and which one a page has without a choice: in the place where Dify 0.15.x keeps it.
import enUS from './en-US.json'
import zhHans from './zh-Hans.json'

export const i18n = {
  defaultLocale: 'en-US',
  locales: ['en-US', 'zh-Hans'],
} as const

const texts: Record<string, Record<string, string>> = { 'en-US': enUS, 'zh-Hans': zhHans }

export function getTexts(locale?: string) {
  const chosen = locale && locale in texts ? locale : i18n.defaultLocale
  return { locale: chosen, texts: texts[chosen] }
}

package systems.v.mobile

import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import systems.v.mobile.hot.conformanceNames
import systems.v.mobile.hot.conformanceRun

/** The checks that every target must pass, through the bindings. */
class ConformanceTest {
    @Test
    fun `the library has exactly the listed checks`() {
        val listed = File(System.getProperty("conformance.names")).readLines()
        assertTrue(listed.isNotEmpty())
        assertEquals(listed, conformanceNames())
    }

    @TestFactory
    fun `every check passes`(): List<DynamicTest> =
        conformanceNames().map { name -> dynamicTest(name) { assertNull(conformanceRun(name)) } }

    @Test
    fun `a check that is not there fails`() {
        assertNotNull(conformanceRun("no such check"))
    }
}

package io.sidstream.cli;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No packages of a module depend on each other in a circle. */
class HouseRulesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "io.sidstream.cli",
        "io.sidstream.model",
        "io.sidstream.schemas",
        "io.sidstream.client"
      })
  void packagesFormNoCycle(String root) {
    JavaClasses classes =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("-tests.jar"))
            // Libraries that the client's jar brings along under a name of its own.
            .withImportOption(location -> !location.contains("/client/shaded/"))
            .importPackages(root);
    assertThat(classes).as(root).isNotEmpty();
    slices().assignedFrom(new PackageSlices()).should().beFreeOfCycles().check(classes);
  }
}

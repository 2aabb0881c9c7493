package io.sidstream.lab;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.sidstream.cli.PackageSlices;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class HouseRulesTest {
  private static JavaClasses all;

  @BeforeAll
  static void read() {
    all =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages("io.sidstream");
    assertThat(all.contain(Main.class)).isTrue();
    assertThat(all.contain(io.sidstream.cli.main.Main.class)).isTrue();
  }

  @Test
  void packagesFormNoCycle() {
    JavaClasses lab = all.that(resideInAPackage("io.sidstream.lab.."));
    slices().assignedFrom(new PackageSlices()).should().beFreeOfCycles().check(lab);
  }

  @Test
  void nothingThatIsShippedDependsOnTheLab() {
    noClasses()
        .that(resideInAPackage("io.sidstream.."))
        .and()
        .resideOutsideOfPackage("io.sidstream.lab..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.sidstream.lab..")
        .check(all);
  }
}

package io.sidstream.cli;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;

/** A slice is a package, that of the root included. */
public final class PackageSlices implements SliceAssignment {
  @Override
  public SliceIdentifier getIdentifierOf(JavaClass javaClass) {
    return SliceIdentifier.of(javaClass.getPackageName());
  }

  @Override
  public String getDescription() {
    return "packages";
  }
}
